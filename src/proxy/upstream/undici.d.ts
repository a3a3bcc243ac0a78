// The package declares its root only, which brings everything it has: fetch, caches, mocks.
declare module 'undici/lib/dispatcher/pool.js' {
  import { Pool } from 'undici';
  export = Pool;
}
