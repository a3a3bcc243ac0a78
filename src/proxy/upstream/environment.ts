/**
 * The variables that a child process gets from ours, if they are set: what programs need to find their way on the
 * machine, and nothing that could hold a credential. docs/security.md lists them too.
 */
export const INHERITED_VARIABLES: readonly string[] =
  process.platform === 'win32'
    ? [
        'APPDATA', 'COMSPEC', 'HOMEDRIVE', 'HOMEPATH', 'LOCALAPPDATA', 'PATH', 'PATHEXT', 'PROCESSOR_ARCHITECTURE',
        'PROGRAMDATA', 'PROGRAMFILES', 'SYSTEMDRIVE', 'SYSTEMROOT', 'TEMP', 'TMP', 'USERNAME', 'USERPROFILE', 'WINDIR',
      ]
    : ['HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'TZ', 'USER']; // prettier-ignore

/** The whole environment of a child: the inherited variables, those of the servers file (`null` takes one away), the bound secrets. */
export function childEnvironment(
  ours: NodeJS.ProcessEnv,
  configured: Readonly<Record<string, string | null>>,
  secrets: Readonly<Record<string, string>>,
): Record<string, string> {
  const result = new Map<string, string>();
  for (const name of INHERITED_VARIABLES) {
    const value = ours[name];
    // "()" begins an exported shell function (Shellshock).
    if (value !== undefined && !value.startsWith('()')) result.set(name, value);
  }
  for (const [name, value] of Object.entries(configured)) {
    if (value === null) result.delete(name);
    else result.set(name, value);
  }
  for (const [name, value] of Object.entries(secrets)) result.set(name, value);
  return Object.fromEntries(result);
}
