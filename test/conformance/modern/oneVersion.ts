import { isJSONRPCRequest, ProtocolErrorCode } from '@modelcontextprotocol/server';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';

const version = '2026-07-28';

/**
 * Refuses every request of another version, as the SDK's HTTP handler does. On stdio the SDK looks at the version of the
 * first message only.
 */
export class OneVersion implements Transport {
  readonly #inner: Transport;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  start(): Promise<void> {
    this.#inner.onclose = () => this.onclose?.();
    this.#inner.onerror = (error) => this.onerror?.(error);
    this.#inner.onmessage = (message) => {
      const requested = versionOf(message);
      if (requested === undefined || requested === version || !isJSONRPCRequest(message)) this.onmessage?.(message);
      else void this.#inner.send({ jsonrpc: '2.0', id: message.id, error: unsupported(requested) });
    };
    return this.#inner.start();
  }

  send(message: JSONRPCMessage): Promise<void> {
    return this.#inner.send(message);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

function versionOf(message: JSONRPCMessage): unknown {
  const meta = 'params' in message ? (message.params?._meta as Record<string, unknown> | undefined) : undefined;
  return meta?.['io.modelcontextprotocol/protocolVersion'];
}

function unsupported(requested: unknown): { code: number; message: string; data: object } {
  return {
    code: ProtocolErrorCode.UnsupportedProtocolVersion,
    message: 'Unsupported protocol version',
    data: { supported: [version], requested },
  };
}
