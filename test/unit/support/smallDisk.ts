import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of 64 KiB for one suite, private to this user; the suite is skipped where none can be made. */
export function smallDisk(): { readonly path: () => string; readonly setReadOnly: (readOnly: boolean) => void } {
  let folder = '';
  const mount = (...args: string[]): boolean => spawnSync('mount', [...args, folder]).status === 0;
  before(function () {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcps-disk-')));
    if (mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs')) {
      chmodSync(folder, 0o700);
      return;
    }
    console.log('      (a disk of its own can be made by root on Linux only)');
    this.skip();
  });
  after(() => {
    spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    path: () => folder,
    setReadOnly: (readOnly) => {
      if (!mount('-o', `remount,${readOnly ? 'ro' : 'rw'}`)) throw new Error('The disk could not be mounted again.');
    },
  };
}
