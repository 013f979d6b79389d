// Reads the project's own TypeScript files, and what each imports.
import { readFile, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import ts from 'typescript';

export interface SourceFile {
  /** Path below the project's root, with slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** For a file of this project its path below the root, otherwise the name as written. */
  readonly target: string;
  readonly isOwn: boolean;
  /** Whether nothing of it remains at run time. */
  readonly isTypeOnly: boolean;
  /** The names it takes one by one; undefined when it may use everything. */
  readonly names: readonly string[] | undefined;
}

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage']);

/** All .ts files below the root, hidden folders and what is installed or built left out; sorted by path. */
export async function readSources(root: string): Promise<SourceFile[]> {
  const paths = await listTypeScript(root, '');
  return Promise.all(
    paths.sort().map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })),
  );
}

async function listTypeScript(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const lists = entries.map(async (entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) {
      return NOT_OURS.has(entry.name) || entry.name.startsWith('.') ? [] : listTypeScript(root, path);
    }
    return entry.name.endsWith('.ts') ? [path] : [];
  });
  return (await Promise.all(lists)).flat();
}

/** What a file imports, re-exports, or imports while it runs; imports inside of types included. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean, names?: readonly string[]): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    found.push({ ...resolveTarget(file.path, specifier.text), isTypeOnly, names });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, isTypeImport(node.importClause), namesOf(node.importClause));
    } else if (ts.isExportDeclaration(node)) {
      add(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node)) {
      add(literalOf(node.argument), true);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest));
  return found;
}

/** Only `import type`: with verbatimModuleSyntax, `import { type X }` still loads the module. */
function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function namesOf(clause: ts.ImportClause | undefined): string[] | undefined {
  const bindings = clause?.namedBindings;
  if (clause?.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return undefined;
  return bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text);
}

function literalOf(argument: ts.TypeNode): ts.Node | undefined {
  return ts.isLiteralTypeNode(argument) ? argument.literal : undefined;
}

function resolveTarget(from: string, specifier: string): Pick<Import, 'target' | 'isOwn'> {
  const isOwn = specifier.startsWith('.');
  return { target: isOwn ? posix.join(posix.dirname(from), specifier) : specifier, isOwn };
}
