/** A syslog message, taken apart as RFC 5424 says, and nothing more lenient. */
export interface SyslogMessage {
  readonly facility: number;
  readonly severity: number;
  readonly timestamp: string;
  readonly hostname: string;
  readonly app: string;
  readonly procId: string;
  readonly msgId: string;
  readonly elements: Readonly<Record<string, readonly (readonly [string, string])[]>>;
  readonly message: string | undefined;
}

/** Reads by the grammar of RFC 5424, section 6. Throws where the bytes are not of it. */
export function parseSyslog(bytes: Buffer): SyslogMessage {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  const word = (max: number): string => `(-|[\\x21-\\x7e]{1,${String(max)}})`;
  const time = '(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,6})?(?:Z|[+-]\\d\\d:\\d\\d))';
  const header = new RegExp(`^<(\\d{1,3})>1 ${time} ${word(255)} ${word(48)} ${word(128)} ${word(32)} `);
  const match = header.exec(text);
  if (match === null) throw new Error('no RFC 5424 header');
  const [whole, priority = '', timestamp = '', hostname = '', app = '', procId = '', msgId = ''] = match;
  const { elements, rest } = structuredData(text.slice(whole.length));
  if (rest !== '' && !rest.startsWith(' ')) throw new Error('no space before the message');
  const message = rest === '' ? undefined : rest.slice(1);
  return { facility: Number(priority) >> 3, severity: Number(priority) & 7, timestamp, hostname, app, procId, msgId, elements, message };
}

function structuredData(text: string): { elements: Record<string, [string, string][]>; rest: string } {
  const elements: Record<string, [string, string][]> = {};
  let rest = text;
  for (let open = /^\[([^\s="\]]{1,32})/.exec(rest); open !== null; open = /^\[([^\s="\]]{1,32})/.exec(rest)) {
    const params: [string, string][] = [];
    rest = rest.slice(open[0].length);
    for (let param = /^ ([^\s="\]]{1,32})="/.exec(rest); param !== null; param = /^ ([^\s="\]]{1,32})="/.exec(rest)) {
      rest = rest.slice(param[0].length);
      let value = '';
      while (!rest.startsWith('"')) {
        if (rest === '' || rest.startsWith(']')) throw new Error('a value that is not ended, or a bracket that is not escaped');
        const escaped = /^\\["\\\]]/.test(rest);
        value += rest.charAt(escaped ? 1 : 0);
        rest = rest.slice(escaped ? 2 : 1);
      }
      params.push([param[1] ?? '', value]);
      rest = rest.slice(1);
    }
    if (!rest.startsWith(']')) throw new Error('an element that is not ended');
    rest = rest.slice(1);
    const id = open[1] ?? '';
    if (id in elements) throw new Error('the same element twice');
    elements[id] = params;
  }
  return { elements, rest };
}
