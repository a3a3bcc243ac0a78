import { memorySkillFiles, SkillsExtension } from '@modelcontextprotocol/server/ext/skills';
import type { SkillCatalog } from '@modelcontextprotocol/server/ext/skills';

const files = {
  'greeting/SKILL.md': '---\nname: greeting\ndescription: How to greet somebody\n---\n\nSay hello. See references/forms.md.\n',
  'greeting/references/forms.md': '# Forms\n\nFormal, and not.\n',
};

/** The catalogue of the one skill (SEP-2640). */
export const skills: Promise<SkillCatalog> = SkillsExtension.load(memorySkillFiles(files));
