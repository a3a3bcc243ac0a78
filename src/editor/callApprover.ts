import type { CallAnswer, CallApprover, CallQuestion } from '../bindings/callApproval';
import { visible } from '../shared/visible';
import { askInDialog } from './notify';
import { previewLong } from './planPreview';
import { cutLine, firstLines } from './shownLines';

/** In a dialog the first button has the focus: it is the one that does nothing. */
const NO = "Don't Allow";
const ANSWERS: ReadonlyMap<string, CallAnswer> = new Map([
  [NO, 'no'],
  ['Allow Once', 'once'],
  ['Allow in This Session', 'session'],
  ['Always Allow', 'always'],
]);

/** Asks about calls in dialogs, one after the other. A call that nobody waits for any more is not asked about. */
export class EditorCallApprover implements CallApprover {
  #last: Promise<unknown> = Promise.resolve();

  ask(question: CallQuestion): Promise<CallAnswer> {
    const answer = this.#last.then(() => askNow(question)).catch((): CallAnswer => 'no');
    this.#last = answer;
    return answer;
  }
}

async function askNow(question: CallQuestion): Promise<CallAnswer> {
  if (!question.waits()) return 'no';
  const { agent, server, tool } = question;
  const args = question.arguments.split('\n');
  const whole = !(await previewLong(`Arguments of ${visible(tool)}`, args));
  const shown = whole ? args : firstLines(args);
  const chosen = await askInDialog(
    `May the agent "${agent}" call the tool "${cutLine(visible(tool))}" of server "${server}"?`,
    [visible(question.rule), '', 'Arguments:', ...shown].join('\n'),
    ...ANSWERS.keys(),
  );
  return (chosen === undefined ? undefined : ANSWERS.get(chosen)) ?? 'no';
}
