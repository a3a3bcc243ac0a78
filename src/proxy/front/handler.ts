import { isSecretsError, messageOf, SecretsError } from '../../shared/errors';
import type { Logger } from '../../shared/logger';
import type { ErrorKind } from '../../shared/words';
import { errorAnswer } from '../jsonRpc';
import type { Asked, Relay } from '../relay';
import type { Agents } from './agents';
import { errandOf } from './errand';
import type { Entrance } from './guards';
import type { Refusals } from './refusals';
import { HttpReply } from './reply';
import type { Reply } from './reply';
import type { AgentRequest } from './request';
import type { Response } from './response';

/** The HTTP status of an error that is not the answer to a call. */
const STATUS: Partial<Record<ErrorKind, number>> = {
  hostRefused: 403,
  originRefused: 403,
  tokenMissing: 401,
  tokenWrong: 401,
  tokenExpired: 401,
  serverNotForAgent: 403,
  secretInMessage: 403,
  notFound: 404,
  serverUnknown: 404,
  sessionUnknown: 404,
  methodNotAllowed: 405,
  bodyTooLarge: 413,
  contentType: 415,
  notJson: 400,
  notJsonRpc: 400,
  headerMismatch: 400,
  envelopeInvalid: 400,
};

/** Answers one HTTP request: who asks, for which server, may they; the relay does the rest. Never rejects. */
export async function handle(
  request: AgentRequest,
  response: Response,
  entrance: Entrance,
  { agents, relay, refusals, logger }: { agents: Agents; relay: Relay; refusals: Refusals; logger: Logger },
): Promise<void> {
  const reply = new HttpReply(response);
  try {
    const errand = errandOf(request, entrance);
    if (errand === 'health') {
      reply.json('{"status":"ok"}');
      return;
    }
    const agent = agents.admit(errand.tokenHash);
    const { server } = errand;
    if (server === undefined) throw new SecretsError('notFound', {});
    const asked = { agent, server, headers: request.headers, reply };
    switch (request.method) {
      case 'POST':
        if (!errand.isJson) throw new SecretsError('contentType', {});
        await post(relay, asked, request.body());
        break;
      case 'GET':
        await relay.listen(asked);
        break;
      case 'DELETE':
        await relay.end(asked);
        break;
      default:
        throw new SecretsError('methodNotAllowed', { method: request.method.slice(0, 20) });
    }
  } catch (error) {
    if (isSecretsError(error)) refusals.note(error);
    else logger.error(`A request failed. ${messageOf(error)}`);
    refuse(reply, error);
  }
}

function post(relay: Relay, asked: Asked, body: Buffer | Promise<Buffer>): Promise<void> {
  return body instanceof Promise ? body.then((whole) => relay.post(asked, whole)) : relay.post(asked, body);
}

/** What is left of a body that was not read is dropped as it comes: an agent that is still sending comes to read the answer. */
function refuse(reply: Reply, error: unknown): void {
  if (reply.ended) return;
  const status = isSecretsError(error) ? (STATUS[error.kind] ?? 502) : 500;
  if (status === 401) reply.headers['www-authenticate'] = 'Bearer realm="mcp-secrets"';
  reply.json(errorAnswer(null, error), status);
}
