import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files in PEM form. */
export interface Certificates {
  /** Of the authority. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** An authority of our own and a certificate for a host that it has signed, in a folder. */
export function makeCertificates(folder: string, host: string): Certificates {
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'];
  openssl('req', '-x509', ...key, path('ca.key'), '-out', path('ca.pem'), '-days', '2', '-subj', '/CN=Test authority');
  openssl('req', ...key, path('server.key'), '-out', path('server.csr'), '-subj', `/CN=${host}`);
  writeFileSync(path('san'), `subjectAltName=DNS:${host}\n`);
  const authority = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial'];
  openssl('x509', '-req', '-in', path('server.csr'), ...authority, '-days', '2', '-extfile', path('san'), '-out', path('server.pem'));
  return { ca: path('ca.pem'), certificate: path('server.pem'), key: path('server.key') };
}
