// Where the demo writes. On a terminal it may colour and rewrite its last line; anywhere else it writes plain lines.
import { styleText } from 'node:util';
import { fit } from './textWidth.ts';

type Style = 'bold' | 'dim' | 'cyan' | 'green' | 'yellow';

const WIDTH_WITHOUT_TERMINAL = 110;

export class Screen {
  readonly #stream: NodeJS.WriteStream;
  readonly #colours: number;
  /** Whether a line that will be rewritten is shown. */
  #isRewriting = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#colours = this.isTerminal ? stream.getColorDepth() : 1;
  }

  /** Whether the last line can be rewritten. */
  get isTerminal(): boolean {
    return this.#stream.isTTY && process.env['TERM'] !== 'dumb';
  }

  /** Cells of a line. */
  get width(): number {
    return this.#stream.isTTY ? Math.max(60, this.#stream.columns) : WIDTH_WITHOUT_TERMINAL;
  }

  line(text = ''): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  lines(texts: readonly string[]): void {
    for (const text of texts) this.line(text);
  }

  heading(text: string): void {
    this.line();
    this.line(this.style('bold', `── ${text} ${'─'.repeat(Math.max(3, this.width - text.length - 4))}`));
    this.line();
  }

  /** A command as a person would type it. */
  command(text: string): void {
    this.line(`${this.style('dim', '$')} ${this.style('cyan', text)}`);
  }

  note(text: string): void {
    this.line(this.style('dim', text));
  }

  /** Shows a line that the next one replaces; nothing where there is no terminal. */
  rewrite(text: string): void {
    if (!this.isTerminal) return;
    this.#stream.write(`\r\x1b[2K${fit(text, this.width - 1).trimEnd()}`);
    this.#isRewriting = true;
  }

  /** Takes a rewritten line away. */
  clear(): void {
    if (this.#isRewriting) this.#stream.write('\r\x1b[2K');
    this.#isRewriting = false;
  }

  style(style: Style, text: string): string {
    return this.#colours > 1 ? styleText(style, text, { validateStream: false }) : text;
  }

  /** `text` in a colour of the form `#RRGGBB`, on terminals that have so many. */
  tint(hex: string, text: string): string {
    const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
    if (this.#colours < 24 || !/^#[0-9a-f]{6}$/i.test(hex)) return text;
    return `\x1b[38;2;${red ?? 0};${green ?? 0};${blue ?? 0}m${text}\x1b[39m`;
  }
}
