import { messageOf, SecretsError } from '../shared/errors';
import { allowOptions } from './arguments';
import type { Arguments } from './arguments';
import type { Headless } from './headless';
import { vaultPaths } from './homeVaults';

/** `key rotate`: the vaults of a home share one key file, so all of them get the new key. What fails in one does not keep the others. */
export async function rotateKeys(input: Arguments, headless: Headless): Promise<string> {
  allowOptions(input, []);
  headless.vaults.workspace.refuseUnlessOpen();
  const paths = vaultPaths(headless.home);
  let secrets = 0;
  const failed: string[] = [];
  for (const [index, path] of paths.entries()) {
    const vault = headless.vaultAt(path);
    try {
      await vault.rotateKey('cli', (done, total) => {
        progress(`vault ${String(index + 1)} of ${String(paths.length)}: ${String(done)} of ${String(total)} secrets`);
      });
      secrets += vault.size;
    } catch (error) {
      failed.push(`${path}: ${messageOf(error)}`);
    } finally {
      vault.dispose();
    }
  }
  endProgress();
  if (failed.length > 0) throw new SecretsError('rotationIncomplete', { done: paths.length - failed.length, failed });
  const kept = headless.keys.isShared
    ? `The former key stays in ${headless.keys.file.path}, because other homes may need it. Remove its line when none does.\n`
    : '';
  if (paths.length === 0) return 'There is no vault yet, so there is no key to rotate.\n';
  return `${String(secrets)} secrets in ${String(paths.length)} vault${paths.length === 1 ? '' : 's'} are sealed under a new key.\n${kept}`;
}

/** On a terminal, one line that is written over. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
}
