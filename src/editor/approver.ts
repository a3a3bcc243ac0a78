import type { Approvals, Approver } from '../bindings/approvals';
import { planDigest } from '../bindings/plan';
import type { Server } from '../bindings/server';
import type { ServersSource } from '../bindings/source';
import type { ApprovalDialog } from './approvalDialog';
import { notify } from './notify';

const REVIEW = 'Review';
/** A call does not wait longer for a person. The notification stays; a later yes counts for the next call. */
const PATIENCE_MS = 60_000;

/** Asks on behalf of an agent's call: a notification first, since nobody asked for a dialog just now. */
export class EditorApprover implements Approver {
  readonly #dialog: ApprovalDialog;
  readonly #approvals: Approvals;
  readonly #servers: ServersSource;
  readonly #asking = new Map<string, Promise<boolean>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(dialog: ApprovalDialog, approvals: Approvals, servers: ServersSource) {
    this.#dialog = dialog;
    this.#approvals = approvals;
    this.#servers = servers;
  }

  ask(server: Server): Promise<boolean> {
    if (this.#dialog.wasDenied(server)) return Promise.resolve(false);
    return within(PATIENCE_MS, this.#askOnce(server));
  }

  /** Callers that wait for the same plan share one question; different plans are asked about one after the other. */
  #askOnce(server: Server): Promise<boolean> {
    const digest = planDigest(server);
    const asked = this.#asking.get(digest);
    if (asked !== undefined) return asked;
    const answer = this.#last.then(() => this.#notify(server)).finally(() => this.#asking.delete(digest));
    this.#asking.set(digest, answer);
    // A notification that nobody answers must not keep other servers from asking.
    this.#last = within(PATIENCE_MS, answer).catch(() => undefined);
    return answer;
  }

  async #notify(server: Server): Promise<boolean> {
    if (this.#approvals.isApproved(server)) return true;
    if (this.#dialog.wasDenied(server)) return false;
    const message = `An agent wants to use server "${server.name}", which is not approved in this workspace, or has changed since.`;
    const answer = notify('warning', message, REVIEW);
    if ((await Promise.race([answer, this.#approvedElsewhere(server)])) === REVIEW) return this.#review(server);
    if (this.#approvals.isApproved(server)) return true;
    this.#dialog.deny(server);
    return false;
  }

  /** A notification can be old: what is reviewed is the plan as it is now. */
  async #review(server: Server): Promise<boolean> {
    await this.#dialog.ask(this.#servers.get(server.name));
    return this.#approvals.isApproved(server);
  }

  /** The user may approve in the tree while the notification is open. */
  #approvedElsewhere(server: Server): Promise<undefined> {
    return new Promise((resolve) => {
      const listener = this.#approvals.onDidChange(() => {
        if (!this.#approvals.isApproved(server)) return;
        listener.dispose();
        resolve(undefined);
      });
    });
  }
}

/** The answer, or no if there is none in time. */
function within(ms: number, answer: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const tired = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
    timer.unref();
  });
  return Promise.race([answer, tired]).finally(() => {
    clearTimeout(timer);
  });
}
