/**
 * Text that may come from elsewhere (servers, agents, files), so that VS Code shows it as text: in notifications and below input
 * boxes it makes a link of `[label](command:…)`, which runs the command, and in lists an icon of `$(name)`. Both need the bracket
 * to follow at once: it gets a space before it. Dialogs show text as it is, so it needs no change there.
 */
export function plain(text: string): string {
  return text.replace(/(?<=[\]$])\(/g, ' (');
}
