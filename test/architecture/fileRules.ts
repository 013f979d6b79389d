// What a file may be called, how long it may be, and which words the Kubernetes toolkit must not know.
import type { SourceFile } from './sources.ts';

const MAX_LINES = 350;
const NAMES_OF_NOTHING = /(^|\/)(utils?|helpers?|common|types|index)\.ts$/;
const MAIL_WORDS = /outlook|graph|mailbox/i;

/** Each file that breaks a rule, as `file: rule`; empty when all is well. */
export function fileViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => brokenRules(file).map((rule) => `${file.path}: ${rule}`));
}

function brokenRules({ path, text }: SourceFile): string[] {
  const rules: string[] = [];
  const lines = text.replace(/\n$/, '').split('\n').length;
  if (NAMES_OF_NOTHING.test(path)) rules.push('named after nothing that it decides');
  if (lines > MAX_LINES && !path.startsWith('test/')) rules.push(`${lines} lines are more than ${MAX_LINES}`);
  const word = path.startsWith('kube/') ? MAIL_WORDS.exec(`${path}\n${text}`)?.[0] : undefined;
  if (word !== undefined) rules.push(`kube/ does not know the word "${word}"`);
  return rules;
}
