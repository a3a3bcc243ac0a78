/** The shortest value that is looked for inside longer text, and in encoded forms, in UTF-16 units. */
export const MIN_ANYWHERE = 8;

/** How a value can be written. */
export interface Forms {
  /** Itself, and each line of it. */
  readonly plain: ReadonlySet<string>;
  /** In base64 and hex: what does not change its meaning when it is broken into lines. */
  readonly encoded: ReadonlySet<string>;
}

/**
 * The ways to write a value that are found by comparing; escapes (JSON, URL, HTML) are resolved in the text instead.
 * Base64 is that part of it which does not depend on the neighbours, for each of the three alignments.
 * @param value at least `MIN_ANYWHERE` long.
 */
export function formsOf(value: string): Forms {
  const plain = new Set([value]);
  // In the query of an address, spaces are "+".
  if (value.includes(' ')) plain.add(value.replaceAll(' ', '+'));
  // Logs, and servers that split text, give the lines of a key one by one.
  if (value.includes('\n')) for (const line of linesOf(value)) plain.add(line);
  const encoded = new Set<string>();
  for (const text of writings(value)) {
    const bytes = Buffer.from(text);
    const hex = bytes.toString('hex');
    encoded.add(hex).add(hex.toUpperCase());
    addBase64(bytes, encoded);
  }
  // Base64 of base64: a value that was encoded already, in a file that is handed out.
  for (const once of base64Cores(Buffer.from(value))) addBase64(Buffer.from(once), encoded);
  return { plain, encoded };
}

/** What a value may have been turned into before it was encoded. */
function writings(value: string): Set<string> {
  const json = JSON.stringify(value).slice(1, -1);
  return new Set([value, json, JSON.stringify(json).slice(1, -1), asciiJson(json), urlEncoded(value), ...otherLineBreaks(value)]);
}

function asciiJson(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** As in the credentials of OAuth clients (RFC 6749, 2.3.1). */
function urlEncoded(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    // Lone surrogates have no UTF-8.
    return value;
  }
}

function otherLineBreaks(value: string): string[] {
  if (!value.includes('\n')) return [];
  const whole = [value.replace(/\r?\n/g, '\n'), value.replace(/\r?\n/g, '\r\n'), value.trim()];
  return whole.filter((text) => text.length >= MIN_ANYWHERE);
}

/** The lines of a value that say something of it: not its frame (`-----BEGIN PRIVATE KEY-----`), not its shortest ones. */
function linesOf(value: string): string[] {
  return value
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length >= MIN_ANYWHERE && !line.startsWith('-----'));
}

function addBase64(bytes: Buffer, to: Set<string>): void {
  for (const base64 of base64Cores(bytes)) {
    to.add(base64);
    if (/[+/]/.test(base64)) to.add(base64.replaceAll('+', '-').replaceAll('/', '_'));
  }
}

/** The same bytes give three base64 texts, by what stands before them; the edges mix with the neighbours. */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const first = Math.ceil((before * 8) / 6);
    const last = Math.floor(((bytes.length + before) * 8) / 6);
    return (before === 0 ? bytes : Buffer.concat([Buffer.alloc(before), bytes])).toString('base64').slice(first, last);
  });
}
