import type spawn from 'cross-spawn';
import type * as properLockfile from 'proper-lockfile';
import { lazily } from './lazily';

/** `proper-lockfile`, loaded with the first lock. What it brings along takes several milliseconds of every start. */
// eslint-disable-next-line @typescript-eslint/no-require-imports
export const lockfile = lazily(() => require('proper-lockfile') as typeof properLockfile);

/** `cross-spawn`, loaded with the first child. */
// eslint-disable-next-line @typescript-eslint/no-require-imports
export const crossSpawn = lazily(() => require('cross-spawn') as typeof spawn);
