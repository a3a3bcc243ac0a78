import { isDeep, stringsIn } from './tool';

/** What is suspicious about a text that a server gives an agent to read. */
export const FLAGS = ['hidden', 'instructions', 'encoded', 'long', 'lookalike', 'ambiguous'] as const;

/** The name of one of them. */
export type Flag = (typeof FLAGS)[number];

/** Each flag in words that follow "it". */
export const FLAG_WORDS: Readonly<Record<Flag, string>> = {
  hidden: 'has characters that cannot be seen or that reorder what is read',
  instructions: 'has text that reads like orders to an agent',
  encoded: 'has encoded text that nobody can read',
  long: 'is longer than a person would read, or padded',
  lookalike: 'looks like a tool of another server by its name',
  ambiguous: 'is listed more than once, each time in another form',
};

/** Flags in words that follow "it". */
export function flagWords(flags: readonly Flag[]): string {
  return flags.map((flag) => FLAG_WORDS[flag]).join('; it ');
}

/** Longer strings are read by nobody. Those of well-known servers have less than half of that. In UTF-16 units. */
const MAX_STRING = 12_000;
/** The same for all strings together. */
const MAX_TOTAL = 50_000;

/** What is suspicious about the strings of a JSON value, keys included. Takes time in proportion to its length. Throws nothing. */
export function flagsOf(value: unknown): Flag[] {
  if (isDeep(value)) return ['long'];
  const flags = new Set<Flag>();
  let total = 0;
  for (const text of stringsIn(value)) {
    // Icons (2025-11-25) are pictures in the text.
    if (/^data:image\/[a-z+.-]+[;,]/.test(text)) continue;
    total += text.length;
    if (text.length > MAX_STRING || total > MAX_TOTAL) flags.add('long');
    if (total > MAX_TOTAL) break;
    if (HIDDEN.test(text.replace(ORDINARY, ''))) flags.add('hidden');
    if (isPadded(text)) flags.add('long');
    if (isEncoded(text)) flags.add('encoded');
    if (readsLikeOrders(text)) flags.add('instructions');
  }
  return [...flags];
}

/**
 * Zero-width and bidirectional characters, tags (U+E0000), variation selectors, fillers, private use, controls. What is left
 * of them when their ordinary uses are taken out: emoji, and the joiners of scripts that need them.
 */
const HIDDEN = /[\p{Cf}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800]|(?![\t\n\r])\p{Cc}/u;
const ORDINARY =
  /\p{Emoji}\ufe0f\u20e3?|(?<=[\p{Emoji_Modifier}\p{Extended_Pictographic}]|\ufe0f)\u200d(?=\p{Extended_Pictographic})|(?<=[\p{Script=Arabic}\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Tamil}\p{Script=Telugu}\p{Script=Kannada}\p{Script=Malayalam}\p{Script=Sinhala}])[\u200c\u200d](?=[\p{L}\p{M}])/gu;

/** Text that is pushed out of sight. */
function isPadded(text: string): boolean {
  return /\s{150}/.test(text);
}

/** A long run of base64 that is no path, no address and no word. */
function isEncoded(text: string): boolean {
  for (const [run] of text.matchAll(/[A-Za-z0-9+/_=-]{100,}/g)) {
    const upper = run.match(/[A-Z]/g)?.length ?? 0;
    const lower = run.match(/[a-z]/g)?.length ?? 0;
    const digits = run.match(/[0-9]/g)?.length ?? 0;
    if (upper > run.length / 8 && lower > run.length / 8 && digits > run.length / 40) return true;
  }
  return false;
}

const SENSITIVE = String.raw`(?:~\/\.\w|\.ssh\b|\bid_(?:rsa|ed25519|ecdsa)\b|\/etc\/(?:passwd|shadow)|\/proc\/self|\bmcp\.json\b|\bclaude_desktop_config\b|(?<![\w*])\.(?:env|netrc|npmrc|pgpass)\b|\bprivate key)`;

/** What is said to agents rather than about a tool. Each with bounded gaps, so that no text takes long. */
const ORDERS: readonly RegExp[] = [
  /\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:previous|prior|above|earlier|preceding)\b.{0,30}\b(?:instruction|prompt|rule|guideline|directive|message|context|polic)/,
  /\b(?:ignore|disregard|forget|override|bypass)\b.{0,20}\b(?:all|any|your|the)\b.{0,12}\b(?:instructions|guidelines|safety|directives)\b/,
  /\b(?:do not|don'?t|never|must not|mustn'?t|without|avoid)\b.{0,20}\b(?:tell|telling|inform|informing|mention|mentioning|notify|notifying|reveal|revealing|alert|alerting|warn|warning)\b.{0,50}\b(?:user|users|human|humans|person|anyone|anybody|developer)\b/,
  /\b(?:secretly|covertly|surreptitiously)\b|\bwithout (?:the |their |his |her )?(?:user'?s? |human'?s? )?(?:knowing|knowledge|noticing|awareness)\b/,
  /<\/?\s?(?:important|critical|system|system[-_ ]?prompt|instructions?|hidden|override)\s?>|<\|im_(?:start|end)\|>|\[\/?inst\]|<<\/?sys>>/,
  new RegExp(String.raw`\b(?:read|cat|open|load|include|send|pass|provide|upload|attach|copy|dump|print|contents? of)\b.{0,60}${SENSITIVE}`),
  /\b(?:send|forward|upload|transmit|post|leak|exfiltrate|append|attach|e-?mail)\b.{0,60}\b(?:system prompt|(?:entire|full|whole|complete) (?:conversation|chat|history|context)|(?:conversation|chat) (?:history|log)|environment variables)\b/,
  /\b(?:must|always|shall)\b.{0,60}\b(?:send|sent|forward(?:ed)?|bcc|cc|copy|copied|deliver(?:ed)?|addressed)\b.{0,40}[\w.+-]{1,64}@[\w-]{1,64}\.[a-z]{2}/,
  /\b(?:before|after|prior to|when(?:ever)?|every time|each time)\b.{0,40}\b(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|run(?:ning)?)\b.{0,30}\btools?\b.{0,60}\b(?:you must|you have to|always|make sure to|be sure to)\b.{0,60}\b(?:send|forward|upload|pass|include|append|e-?mail|bcc|exfiltrate)\b/,
  /\byou are (?:now|no longer)\b.{0,40}\b(?:assistant|mode|agent|bound|restricted|unrestricted|model)\b|\b(?:developer|jailbreak|god|dan) mode\b/,
]; // prettier-ignore

function readsLikeOrders(text: string): boolean {
  if (text.length < 12) return false;
  const plain = text
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/\s+/g, ' ')
    .replaceAll('’', "'")
    .toLowerCase();
  return ORDERS.some((order) => order.test(plain));
}
