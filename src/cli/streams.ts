import { join } from 'node:path';
import { createAuditStreams } from '../audit/stream/auditStreams';
import type { AuditStreams } from '../audit/stream/auditStreams';
import { parseOtlpTarget, parseSyslogTarget } from '../audit/stream/target';
import type { StreamTarget } from '../audit/stream/target';
import { systemClock } from '../shared/clock';
import { isSecretsError, SecretsError } from '../shared/errors';
import type { Logger } from '../shared/logger';
import type { Arguments } from './arguments';
import type { Headless } from './headless';

/** A setting and where it was found, for messages. */
interface Found {
  readonly value: string;
  readonly from: string;
}

/**
 * Where the audit entries of a command go: the options of `serve`, else `MCP_SECRETS_SYSLOG`, `MCP_SECRETS_OTLP` and
 * `MCP_SECRETS_OTLP_HEADERS_FILE`. Nothing that lies in a workspace has a say in it. @throws SecretsError `usage`.
 */
export function streamTargets({ words, options }: Arguments, env: NodeJS.ProcessEnv): StreamTarget[] {
  const given = words[0] === 'serve' ? options : {};
  const syslog = found(given.syslog, '--syslog', env.MCP_SECRETS_SYSLOG, 'MCP_SECRETS_SYSLOG');
  const otlp = found(given.otlp, '--otlp', env.MCP_SECRETS_OTLP, 'MCP_SECRETS_OTLP');
  const headers = found(
    given['otlp-headers-file'],
    '--otlp-headers-file',
    env.MCP_SECRETS_OTLP_HEADERS_FILE,
    'MCP_SECRETS_OTLP_HEADERS_FILE',
  );
  if (headers !== undefined && otlp === undefined)
    throw new SecretsError('usage', { problem: `${headers.from} needs the address of an OTLP receiver.` });
  return [
    ...(syslog === undefined ? [] : [parsed(syslog, (value) => parseSyslogTarget(value))]),
    ...(otlp === undefined ? [] : [parsed(otlp, (value) => parseOtlpTarget(value, { headersFile: headers?.value }))]),
  ];
}

/** Streams what is recorded from here on. @throws SecretsError `streamInvalid`, `tooOpen` for a headers file. */
export function streamAudit({ home, audit }: Headless, targets: readonly StreamTarget[], logger: Logger): AuditStreams {
  const streams = createAuditStreams({ targets, spoolFolder: join(home, 'spool'), logger, clock: systemClock });
  audit.onDidAdd((entry) => {
    streams.push(entry);
  });
  return streams;
}

/** A variable that is set to nothing is not set. */
function found(option: string | undefined, optionName: string, variable: string | undefined, variableName: string): Found | undefined {
  if (option !== undefined) return { value: option, from: optionName };
  return variable === undefined || variable === '' ? undefined : { value: variable, from: variableName };
}

function parsed(setting: Found, parse: (value: string) => StreamTarget): StreamTarget {
  try {
    return parse(setting.value);
  } catch (error) {
    if (!isSecretsError(error, 'streamInvalid')) throw error;
    throw new SecretsError('usage', { problem: `${setting.from} cannot be used: ${error.details.why}.` });
  }
}
