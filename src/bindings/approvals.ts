import * as z from 'zod';
import type { AuditEntry, AuditSink } from '../audit/entry';
import type { BlobStore } from '../shared/blobStore';
import { Emitter } from '../shared/disposable';
import { lazily } from '../shared/lazily';
import { planDigest } from './plan';
import type { Server } from './server';

const schema = lazily(() => z.record(z.string(), z.string()));

const FRESH_MS = 1_000;

/** Asks a person whether a plan may be carried out. */
export interface Approver {
  /** True once the person has said yes to this very plan; false for no, and where nobody can be asked. */
  ask(server: Server): Promise<boolean>;
}

/**
 * Which plans were approved in this workspace on this machine: the digest of one plan per server.
 * Kept outside the workspace folder, so that no repository can bring approvals along. An unreadable
 * store counts as no approvals.
 */
export class Approvals {
  readonly #store: BlobStore;
  readonly #audit: AuditSink;
  readonly #changed = new Emitter<undefined>();
  /** Fires after an approval was given or taken back here. */
  readonly onDidChange = this.#changed.event;
  #parsed: { text: string; digests: Map<string, string> } | undefined;
  /** Until when a yes need not be looked up again, as `performance.now()`: every call asks. */
  #fresh = new WeakMap<Server, number>();

  constructor(store: BlobStore, audit: AuditSink) {
    this.#store = store;
    this.#audit = audit;
  }

  /** Whether exactly this plan was approved. What another process takes back counts a second later at most. */
  isApproved(server: Server): boolean {
    const now = performance.now();
    if ((this.#fresh.get(server) ?? 0) > now) return true;
    const approved = this.#digests().get(server.name) === planDigest(server);
    if (approved) this.#fresh.set(server, now + FRESH_MS);
    return approved;
  }

  /** Approves this plan in place of any other of the same server. */
  async approve(server: Server, actor: AuditEntry['actor']): Promise<void> {
    await this.#change((digests) => digests.set(server.name, planDigest(server)));
    this.#audit.record({
      actor,
      action: 'server.approve',
      server: server.name,
      secrets: server.bindings.map((b) => b.secret),
      outcome: 'ok',
    });
  }

  /** Takes the approval of a server back, if it has one. */
  async revoke(name: string, actor: AuditEntry['actor']): Promise<void> {
    if (!this.#digests().has(name)) return;
    await this.#change((digests) => digests.delete(name));
    this.#audit.record({ actor, action: 'server.revoke', server: name, outcome: 'ok' });
  }

  async #change(make: (digests: Map<string, string>) => unknown): Promise<void> {
    await this.#store.update((text) => {
      const digests = new Map(this.#parse(text));
      make(digests);
      return Promise.resolve(JSON.stringify(Object.fromEntries(digests)));
    });
    this.#fresh = new WeakMap();
    this.#changed.fire(undefined);
  }

  #digests(): ReadonlyMap<string, string> {
    const text = this.#store.read();
    if (text === undefined) return new Map();
    if (this.#parsed?.text !== text) this.#parsed = { text, digests: this.#parse(text) };
    return this.#parsed.digests;
  }

  #parse(text: string | undefined): Map<string, string> {
    if (text === undefined) return new Map();
    try {
      return new Map(Object.entries(schema().parse(JSON.parse(text))));
    } catch {
      return new Map();
    }
  }
}
