import type { Approvals } from '../bindings/approvals';
import { describePlan, planDigest } from '../bindings/plan';
import type { Server } from '../bindings/server';
import { askInDialog } from './notify';
import { previewLongPlan } from './planPreview';

const APPROVE = 'Approve';
const NO = "Don't Approve";

/**
 * Asks whether the plan of a server may be carried out, showing all of it. One dialog at a time; a plan that was
 * denied is remembered, so that nothing asks for it again unless the user wants to be asked.
 */
export class ApprovalDialog {
  readonly #approvals: Approvals;
  readonly #denied = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(approvals: Approvals) {
    this.#approvals = approvals;
  }

  /** Whether the user has said no to exactly this plan since the window was opened. */
  wasDenied(server: Server): boolean {
    return this.#denied.has(planDigest(server));
  }

  /** Remembers a no that was given without the dialog. */
  deny(server: Server): void {
    this.#denied.add(planDigest(server));
  }

  /**
   * Asks, unless the plan is approved already. What is approved is the plan of this very object: whatever the
   * servers file says by the time of the answer is another plan.
   * @param unasked the user has not just asked for this dialog: the button that Enter presses, which was meant for something else, is a no.
   * @returns whether it is approved now.
   */
  ask(server: Server, { unasked = false } = {}): Promise<boolean> {
    const answer = this.#last.then(() => this.#ask(server, unasked ? [NO, APPROVE] : [APPROVE]));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #ask(server: Server, answers: readonly string[]): Promise<boolean> {
    if (this.#approvals.isApproved(server)) return true;
    await previewLongPlan(server);
    if ((await askInDialog(question(server), describePlan(server).join('\n'), ...answers)) !== APPROVE) {
      this.deny(server);
      return false;
    }
    this.#denied.delete(planDigest(server));
    await this.#approvals.approve(server, 'user');
    return true;
  }
}

function question({ name, type }: Server): string {
  const does = type === 'stdio' ? 'starts a program on this computer' : 'contacts an address';
  return `Approve server "${name}"? It ${does}, exactly as follows.`;
}
