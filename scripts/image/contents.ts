// What may be in the image and what must be: rules on its list of files and on its configuration. Pure, but for the
// script that lists the files, which runs inside a container, so that every engine gives the same list.
import * as z from 'zod';

const entrySchema = z.object({
  path: z.string(),
  kind: z.enum(['file', 'folder', 'link', 'other']),
  /** Permissions with setuid, setgid and sticky bit. */
  mode: z.number(),
  uid: z.number(),
  /** Bytes of a file; 0 for all else. */
  size: z.number(),
});

export type Entry = z.infer<typeof entrySchema>;

export const listing = z.array(entrySchema);

/** Prints the listing. What an engine or a kernel puts into a container is left out, and so is what is unreadable. */
export const LIST_FILES = `
const fs = require('node:fs');
const foreign = new Set(['/proc', '/sys', '/dev', '/.dockerenv', '/run/.containerenv',
  '/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/etc/mtab']);
const found = [];
const walk = (folder) => {
  let names = [];
  try { names = fs.readdirSync(folder === '' ? '/' : folder); } catch {}
  for (const path of names.sort().map((name) => folder + '/' + name)) {
    if (foreign.has(path)) continue;
    const stat = fs.lstatSync(path);
    const kind = stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'link' : 'other';
    found.push({ path, kind, mode: stat.mode & 0o7777, uid: stat.uid, size: kind === 'file' ? stat.size : 0 });
    if (kind === 'folder') walk(path);
  }
};
walk('');
process.stdout.write(JSON.stringify(found));
`;

export function totalBytes(entries: readonly Entry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}

const APP = '/app';
const CACHE = `${APP}/compile-cache/`;
const PAPERS = ['LICENSE', 'THIRD-PARTY-NOTICES.txt', 'package.json', 'sbom.json'];
const PARTS = ['.js', '.main.js', '.main.js.LEGAL.txt'];
/** Node, and the dynamic loader of glibc or musl. */
const EXECUTABLE = /^\/usr\/local\/bin\/node$|^\/lib(64)?\/(.+\/)?ld-[^/]+$/;
const LIBRARY = /^\/(usr\/)?lib(64)?\/.+\.so(\.\d+)*$/;
const RECORD =
  /^\/etc\/(passwd|group|nsswitch\.conf|os-release)$|^\/usr\/share\/doc\/[^/]+\/copyright$|^\/var\/lib\/dpkg\/status\.d\/[^/]+$/;

/** Each breach of the rules in a sentence; empty when the image holds what it should and nothing else. */
export function problemsOfFiles(entries: readonly Entry[], programs: readonly string[]): string[] {
  const wanted = [...programs.flatMap((program) => PARTS.map((part) => program + part)), ...PAPERS];
  const expected = new Set(wanted.map((name) => `${APP}/${name}`));
  const there = new Set(entries.map(({ path }) => path));
  const missing = [...expected].filter((path) => !there.has(path)).map((path) => `${path} is missing`);
  if (!entries.some(({ path, kind }) => kind === 'file' && path.startsWith(CACHE)))
    missing.push(`nothing is in ${CACHE}`);
  return [...missing, ...entries.flatMap((one) => problemsOfEntry(one, expected))];
}

type Rule = readonly [isBroken: (entry: Entry) => boolean, problem: string];

const rules: readonly Rule[] = [
  [({ uid }) => uid !== 0, 'does not belong to root'],
  [({ kind, mode }) => kind !== 'link' && (mode & 0o004) === 0, 'is not readable for everybody'],
  [({ kind, mode, path }) => kind !== 'link' && path !== '/tmp' && (mode & 0o022) !== 0, 'can be written'],
  [({ kind, mode }) => kind === 'file' && (mode & 0o7000) !== 0, 'runs with the rights of its owner'],
  [
    ({ kind, mode, path }) => kind === 'file' && (mode & 0o111) !== 0 && !EXECUTABLE.test(path),
    'is executable',
  ],
];

function problemsOfEntry(entry: Entry, expected: ReadonlySet<string>): string[] {
  const { path, kind } = entry;
  const isKnown = [EXECUTABLE, LIBRARY, RECORD].some((kept) => kept.test(path));
  const belongs = kind === 'folder' || isKnown || expected.has(path) || path.startsWith(CACHE);
  const broken = rules.filter(([isBroken]) => isBroken(entry)).map(([, problem]) => problem);
  return [...(belongs ? [] : ['does not belong into the image']), ...broken].map((what) => `${path} ${what}`);
}

const configuration = z.object({
  User: z.string().optional(),
  Entrypoint: z.array(z.string()).nullish(),
  WorkingDir: z.string().optional(),
  Labels: z.record(z.string(), z.string()).nullish(),
});

const LABELS = ['title', 'description', 'licenses', 'version', 'revision', 'created', 'source'];

/** @param config as the OCI image specification has it */
export function problemsOfConfiguration(config: unknown): string[] {
  const { User: user, Entrypoint: entrypoint, WorkingDir: folder, Labels } = configuration.parse(config);
  const missing = LABELS.map((name) => `org.opencontainers.image.${name}`).filter(
    (name) => Labels?.[name] === undefined,
  );
  return [
    ...(user === '65532:65532' ? [] : [`its user is ${user ?? 'root'}, not 65532:65532`]),
    ...(entrypoint?.join(' ') === 'node' ? [] : [`its entry point is ${JSON.stringify(entrypoint)}`]),
    ...(folder === APP ? [] : [`its working directory is ${folder ?? '/'}`]),
    ...missing.map((name) => `it has no label ${name}`),
  ];
}
