/** What a page consists of: blocks of code, links, and the anchors that others may link to. */
import GithubSlugger from 'github-slugger';
import { lexer, walkTokens, type Token } from 'marked';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Block {
  readonly line: number;
  /** The first word after the fence: `ts`. Empty where there is none. */
  readonly language: string;
  /** Further words: `background`, `from=examples/desk/orders.ts`. */
  readonly words: readonly string[];
  readonly code: string;
}

export interface Page {
  /** From the root. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** What a reader has done before a page that is run begins: the shell in a comment `<!-- setup … -->`. */
  readonly setup: string;
  readonly links: readonly { readonly href: string; readonly line: number }[];
  readonly anchors: ReadonlySet<string>;
}

/** Pages that users read, README first. */
export function readPages(root: string): Page[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true })
    .map((path) => `docs/${String(path).replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.md'));
  const paths = ['README.md', 'SPEC.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...below.sort()];
  return paths.map((path) => parsePage(path, readFileSync(join(root, path), 'utf8')));
}

export function parsePage(path: string, text: string): Page {
  const blocks: Block[] = [];
  const links: { href: string; line: number }[] = [];
  const anchors = new Set<string>();
  const slugger = new GithubSlugger();
  let at = 0;
  for (const top of lexer(text)) {
    const line = text.slice(0, at).split('\n').length;
    at += top.raw.length;
    void walkTokens([top], (token) => {
      if (token.type === 'code') {
        const [language = '', ...words] = ((token.lang as string | undefined) ?? '').split(/\s+/);
        blocks.push({ line, language, words, code: token.text as string });
      } else if (token.type === 'link' || token.type === 'image') links.push({ href: token.href as string, line });
      else if (token.type === 'heading') anchors.add(slugger.slug(plain(token)));
    });
  }
  const [, setup = ''] = /<!-- setup\n(.*?)-->/s.exec(text) ?? [];
  return { path, text, blocks, setup, links, anchors };
}

/** The words of a heading as they are shown. */
function plain(token: Token): string {
  const inner = 'tokens' in token ? (token.tokens as readonly Token[]) : [];
  return inner.length > 0 ? inner.map(plain).join('') : 'text' in token ? String(token.text) : '';
}

/** `from` of `ts from=examples/desk/orders.ts`. */
export function option(block: Block, name: string): string | undefined {
  return block.words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}
