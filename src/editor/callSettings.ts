import * as vscode from 'vscode';
import type { NewTools } from '../bindings/pinRules';
import type { ExpiredPolicy, GuardMode, ToolsMode } from '../proxy/proxy';

/** What the user's settings say about calls, as of now. What VS Code lets through although it is none of the choices is the safe one. */
export const callSettings = {
  newTools: (): NewTools => {
    const value = setting('newTools');
    return value === 'allow' || value === 'deny' ? value : 'ask';
  },
  expiredSecrets: (): ExpiredPolicy => (setting('expiredSecrets') === 'refuse' ? 'refuse' : 'warn'),
  mergedTools: (): ToolsMode => (setting('mergedTools') === 'search' ? 'search' : 'all'),
  outboundGuard: (): GuardMode => {
    const value = setting('outboundGuard');
    return value === 'warn' || value === 'off' ? value : 'refuse';
  },
};

function setting(name: string): unknown {
  return vscode.workspace.getConfiguration('mcpSecrets').get(name);
}
