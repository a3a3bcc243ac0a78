import type { OutgoingHttpHeaders } from 'node:http';
import type { Reply } from '../front/reply';

/** A reply that passes everything on to another one. What it is for overrides what it wants to see or change. */
export class ReplyFilter implements Reply {
  protected readonly reply: Reply;

  constructor(reply: Reply) {
    this.reply = reply;
  }

  get headers(): OutgoingHttpHeaders {
    return this.reply.headers;
  }

  get started(): boolean {
    return this.reply.started;
  }

  get ended(): boolean {
    return this.reply.ended;
  }

  get abandoned(): boolean {
    return this.reply.abandoned;
  }

  onAbandoned(callback: () => void): void {
    this.reply.onAbandoned(callback);
  }

  onClosed(callback: () => void): void {
    this.reply.onClosed(callback);
  }

  json(body: string | Buffer, status?: number): void {
    this.reply.json(body, status);
  }

  empty(status: number): void {
    this.reply.empty(status);
  }

  stream(): void {
    this.reply.stream();
  }

  event(json: string): void {
    this.reply.event(json);
  }

  raw(bytes: string | Buffer): boolean {
    return this.reply.raw(bytes);
  }

  onDrain(callback: () => void): void {
    this.reply.onDrain(callback);
  }

  end(): void {
    this.reply.end();
  }

  breakOff(): void {
    this.reply.breakOff();
  }
}
