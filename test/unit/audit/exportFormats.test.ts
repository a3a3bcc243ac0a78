import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AuditEntry } from '../../../src/audit/entry';
import { CSV_HEADER, toCef, toCsv } from '../../../src/audit/exportFormats';
import { anyText } from '../support/arbitraries';

const base: AuditEntry & { seq: number } = {
  seq: 7,
  time: '2026-01-02T03:04:05.678Z',
  actor: 'agent',
  action: 'call',
  agent: 'claude',
  server: 'github',
  tool: 'create_issue',
  requestId: '12',
  scope: 'work',
  secrets: ['A', 'B'],
  versions: { A: 1, B: 3 },
  outcome: 'refused',
  durationMs: 12,
  errorKind: 'secretMissing',
};

/** Reads RFC 4180. */
function parseCsv(text: string): string[] {
  const cells = text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?=,|\r\n$)/g);
  return [...cells].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

describe('exporting the audit trail', () => {
  it('as CSV', () => {
    assert.equal(
      CSV_HEADER,
      'seq,time,actor,action,agent,server,tool,method,requestId,scope,secrets,versions,outcome,durationMs,errorKind,count,rule,token,servers\r\n',
    );
    assert.equal(
      toCsv(base),
      '7,2026-01-02T03:04:05.678Z,agent,call,claude,github,create_issue,,12,work,A B,A:1 B:3,refused,12,secretMissing,,,,\r\n',
    );
  });

  it('as CSV whose cells no program runs', () => {
    for (const [tool, cell] of [
      ['=1+1', "'=1+1"],
      ['+1', "'+1"],
      ['-1', "'-1"],
      ['@SUM(A1)', "'@SUM(A1)"],
      ['\t=1', '\\u0009=1'],
      ["=cmd|' /C calc'!A0,\"", "'=cmd|' /C calc'!A0,\""],
    ] as const)
      assert.equal(parseCsv(toCsv({ ...base, tool }))[6], cell);
  });

  it('as CEF', () => {
    assert.equal(
      toCef(base, '1.2.3'),
      'CEF:0|mcp-secrets|MCP Secrets|1.2.3|call|create_issue|7|rt=1767323045678 externalId=7 suser=claude suid=agent ' +
        'destinationServiceName=github outcome=refused reason=secretMissing cs1Label=tool cs1=create_issue cs2Label=secrets cs2=A B ' +
        'cs3Label=scope cs3=work cs4Label=requestId cs4=12 cs6Label=versions cs6=A:1 B:3 cn1Label=durationMs cn1=12\n',
    );
    assert.match(toCef({ ...base, action: 'alert', rule: 'newAgent' }, '1'), /\|alert\|create_issue\|8\|/);
  });

  it('as CEF in which names cannot make fields', () => {
    const text = toCef({ ...base, tool: 'a|b\\c', agent: 'x outcome=ok\nCEF:0|' }, '1');
    assert.match(text, /\|call\|a\\\|b\\\\c\|7\|/);
    assert.ok(text.includes('suser=x outcome\\=ok\\\\u000aCEF:0| suid='), text);
  });

  it('keeps each entry on its line and in its columns, whatever agents call things', () => {
    fc.assert(
      fc.property(anyText(0, 40), anyText(0, 40), anyText(0, 40), (agent, tool, server) => {
        const entry = { ...base, agent, tool, server };
        const csv = toCsv(entry);
        assert.equal(parseCsv(csv).length, 19);
        assert.match(csv, /^[^\p{Cc}]*\r\n$/u);
        for (const cell of parseCsv(csv)) assert.doesNotMatch(cell, /^[=+\-@\t\r]/);
        const cef = toCef(entry, '1');
        assert.match(cef, /^[^\p{Cc}]*\n$/u);
        const [, extension = ''] = /^(?:(?:[^\\|]|\\.)*\|){7}(.*)\n$/.exec(cef) ?? [];
        assert.equal(cef.replace(/\\[\\|]/g, '').split('|')[6], '7', 'the severity is where it has to be');
        const labels = ['agent', 'server', 'tool'].filter((name) => entry[name as 'agent'] !== '').length;
        assert.equal(extension.replace(/\\./g, '').split('=').length - 1, 15 + labels + (tool === '' ? 0 : 1));
      }),
    );
  });
});
