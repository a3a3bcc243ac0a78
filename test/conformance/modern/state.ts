import { randomBytes } from 'node:crypto';
import { createRequestStateCodec } from '@modelcontextprotocol/server';

/** What a call has come to between two rounds. */
export interface CallState {
  readonly step: number;
  readonly answers: Readonly<Record<string, unknown>>;
}

/** Signs the state that goes through the client, with a key of this process. */
export const stateCodec = createRequestStateCodec<CallState>({ key: randomBytes(32) });
