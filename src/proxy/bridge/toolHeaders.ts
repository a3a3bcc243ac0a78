import type { IncomingHttpHeaders } from 'node:http';
import { SecretsError } from '../../shared/errors';
import { objectAt, stringAt } from '../jsonRpc';
import type { Message } from '../jsonRpc';
import { argumentsOf } from './headers';
import { deriveParamHeaders, paramHeaders, sameParam } from './paramHeaders';
import type { ParamHeader } from './paramHeaders';

/** Which arguments the tools of a server want repeated in headers, as far as they were listed. */
export class ToolHeaders {
  readonly #tools = new Map<string, readonly ParamHeader[]>();

  /** Looks at the answer to a `tools/list`. */
  learn({ result }: Message): void {
    const tools = (result as { tools?: unknown } | null | undefined)?.tools;
    if (!Array.isArray(tools)) return;
    for (const tool of tools) {
      const name = stringAt(tool, 'name');
      if (name === undefined) continue;
      const wanted = paramHeaders(objectAt(tool, 'inputSchema')) ?? [];
      if (wanted.length > 0) this.#tools.set(name, wanted);
      else this.#tools.delete(name);
    }
  }

  /** What the tool wants that a call names. */
  wantedBy(call: Message): readonly ParamHeader[] {
    return (call.method === 'tools/call' ? this.#tools.get(stringAt(call.params, 'name') ?? '') : undefined) ?? [];
  }

  /** The headers for a call. */
  derive(call: Message): Record<string, string> {
    return deriveParamHeaders(this.wantedBy(call), argumentsOf(call));
  }

  /** Checks that a call repeats what its tool wants. @throws SecretsError `headerMismatch`. */
  check(call: Message, headers: IncomingHttpHeaders): void {
    for (const [name, value] of Object.entries(this.derive(call)))
      if (!sameParam(headers[name], value))
        throw new SecretsError('headerMismatch', { what: `the header ${name} does not repeat the argument that the tool wants there` });
  }
}
