// The rules of CONTRIBUTING.md that a machine can check. Formatting is prettier's, imports between folders are
// test/architecture's. Comments cannot switch a rule off; an exception is stated here, with its reason.
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const typeScript = ['**/*.ts'];
const plainScripts = ['**/*.js', '**/*.mjs'];
const tests = ['test/**/*.test.ts'];
const toolConfiguration = ['*.config.ts', '*.config.js'];

const limits = {
  complexity: ['error', 10],
  'max-depth': ['error', 3],
  'max-params': ['error', 4],
  'max-lines': ['error', 350],
  'max-lines-per-function': ['error', 60],
};

const sound = {
  'no-console': 'off',
  eqeqeq: 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  'no-restricted-syntax': [
    'error',
    { selector: 'ExportDefaultDeclaration', message: 'A named export can be found; a default one cannot.' },
  ],
  'no-restricted-imports': [
    'error',
    {
      patterns: [
        {
          regex: '(^|/)(utils?|helpers?|common|types|index)(\\.[cm]?[jt]s)?$',
          message: 'Name a file by what it decides.',
        },
      ],
    },
  ],
};

const typed = {
  '@typescript-eslint/consistent-type-exports': 'error',
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
  '@typescript-eslint/explicit-module-boundary-types': 'error',
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
  // Marked so only to stand out: it lets a token URL of plain http be used, which a simulator of the login has.
  '@typescript-eslint/no-deprecated': [
    'error',
    { allow: [{ from: 'package', name: 'allowInsecureRequests', package: 'openid-client' }] },
  ],
  '@typescript-eslint/no-shadow': 'error',
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
  ],
  '@typescript-eslint/prefer-nullish-coalescing': 'error',
  '@typescript-eslint/prefer-optional-chain': 'error',
  '@typescript-eslint/restrict-template-expressions': ['error', { allowBoolean: true, allowNumber: true }],
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
  ],
};

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.cache/']),
  {
    linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' },
  },
  {
    files: typeScript,
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: { ...limits, ...sound, ...typed },
  },
  {
    files: plainScripts,
    extends: [js.configs.recommended],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
      },
    },
    rules: { ...limits, ...sound },
  },
  {
    // A describe block is one function, however many tests it holds.
    files: tests,
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    files: toolConfiguration,
    rules: { 'no-restricted-syntax': 'off' },
  },
);
