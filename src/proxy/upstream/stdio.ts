import { DEFAULT_LIMITS, MAX_REPLY_BYTES } from '../../bindings/limits';
import type { StdioServer } from '../../bindings/server';
import type { SecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import type { Injection } from '../injector';
import type { ChannelListener } from './channel';
import { ChannelUpstream } from './channelUpstream';
import type { ChannelUpstreamOptions } from './channelUpstream';
import { Child } from './child';
import { diagnosticsLog } from './diagnostics';
import { childEnvironment } from './environment';
import { Watchdog } from './watchdog';

/** So many of a child's last lines on its standard error are told when it ends. */
const LAST_LINES = 5;
/** The rest of a line is in the log. */
const MAX_TOLD = 300;

/** What stdio upstreams need of the rest. */
export type StdioUpstreamOptions = Omit<ChannelUpstreamOptions<StdioServer>, 'open' | 'modes' | 'idleMs'>;

/** Upstreams that are child processes: one child per session, never shared between agents. */
export class StdioUpstream extends ChannelUpstream<StdioServer> {
  readonly #watchdog: Watchdog;

  constructor(options: StdioUpstreamOptions) {
    const watchdog = new Watchdog(options.logger);
    super({
      ...options,
      modes: ['env'],
      idleMs: DEFAULT_LIMITS.idleMs,
      open: (server, injection, listener) => startChild(server, injection, listener, options.logger, watchdog),
    });
    this.#watchdog = watchdog;
  }

  override kill(why: SecretsError): void {
    super.kill(why);
    // What was asked to end and has not ended yet is killed, too.
    this.#watchdog.close();
  }

  /** For when every session has ended: ends the watchdog. The next child starts another one. */
  rest(): void {
    this.#watchdog.close();
  }
}

/** Starts a child with its secrets in its environment. */
function startChild(server: StdioServer, injection: Injection, listener: ChannelListener, logger: Logger, watchdog: Watchdog): Child {
  const { name, command, args, cwd, env, limits } = server;
  const said: string[] = [];
  const log = diagnosticsLog(name, () => listener.redactor, {
    info: (line) => {
      said.push(line.slice(name.length + 3, MAX_TOLD));
      if (said.length > LAST_LINES) said.shift();
      logger.info(line);
    },
  });
  return new Child(
    {
      server: name,
      command,
      args,
      cwd,
      env: childEnvironment(process.env, env, injection.env),
      maxLine: limits?.replyBytes ?? MAX_REPLY_BYTES,
    },
    {
      line: (text) => {
        listener.message(text);
      },
      diagnostics: log.write,
      gone: (error) => {
        log.flush();
        listener.gone(error, said);
      },
    },
    watchdog,
  );
}
