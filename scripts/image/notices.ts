// The licence texts of what is in the bundles, in one file. Pure.
import type { BundledPackage } from './bundledPackages.ts';

const RULE = '-'.repeat(100);

/** Equal texts stand once, under all the packages that have them. */
export function thirdPartyNotices(packages: readonly BundledPackage[]): string {
  const byText = Map.groupBy(packages, ({ licence, texts }) => textOf(licence, texts));
  const sections = [...byText].map(([text, those]) => {
    const names = those.map(({ name, version, licence }) => `${name} ${version} (${licence})`);
    return [RULE, ...names, '', text].join('\n');
  });
  return [
    'The programs of this image contain the following packages. Node.js is under the licence that',
    'https://github.com/nodejs/node/blob/main/LICENSE has; those of the system libraries are in /usr/share/doc.',
    '',
    ...sections,
    '',
  ].join('\n');
}

function textOf(licence: string, texts: readonly string[]): string {
  const trimmed = texts.map((text) => text.replaceAll('\r\n', '\n').trim());
  return trimmed.length > 0 ? trimmed.join('\n\n') : `The package brings no text of its licence, ${licence}.`;
}
