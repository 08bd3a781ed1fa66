import { readFileSync } from 'node:fs';
import { requireRegularFile } from '../runtime/files.ts';
import { isAlias, isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { sections } from './keys.ts';
import { reason } from '../errors.ts';

export type FileSettings = {
  readonly settings: readonly { readonly name: string; readonly given: unknown; readonly line: number }[];
  readonly problems: readonly string[];
};

const largestBytes = 1024 * 1024;
const shownFaults = 5;

/** Reads the settings in a YAML file by their dotted names. Skips empty values and sections. Never throws. */
export function readConfigFile(path: string): FileSettings {
  try {
    const { size } = requireRegularFile(path);
    if (size > largestBytes) return problem(`${path}: expected at most 1 MiB of YAML, got more.`);
    const source = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
    return readYaml(path, source);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return problem(`${path}: there is no such file.`);
    return problem(`${path}: expected a YAML file in UTF-8 that can be read, got: ${reason(error)}.`);
  }
}

function readYaml(path: string, source: string): FileSettings {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const faults = document.errors.slice(0, shownFaults).map(({ message, pos: [offset] }) => {
      const { line, col } = lines.linePos(offset);
      return `${path}, line ${line}, column ${col}: ${message.split(/\n|; please use /, 1)[0]}.`;
    });
    return { settings: [], problems: faults };
  }
  const settings: { name: string; given: unknown; line: number }[] = [];
  const problems: string[] = [];
  const lineOf = (node: unknown): number => {
    const { range } = (node ?? {}) as { range?: readonly number[] };
    return lines.linePos(range?.[0] ?? 0).line;
  };
  const visit = (node: unknown, name: string, line: number): void => {
    const inside = isAlias(node) ? node.resolve(document) : node;
    if (isAlias(node) && inside === undefined) {
      const at = lines.linePos(node.range?.[0] ?? 0);
      problems.push(`${path}, line ${at.line}, column ${at.col}: Unresolved alias ${node.source}.`);
      return;
    }
    const isSection = name === '' || sections.has(name);
    if (isSection && isMap(inside)) {
      for (const { key, value } of inside.items) {
        const part = isScalar(key) ? String(key.value) : '?';
        visit(value, name === '' ? part : `${name}.${part}`, lineOf(key));
      }
      return;
    }
    const given = valueOf(inside, document);
    if (given === null || given === undefined) return;
    if (!isSection) settings.push({ name, given, line });
    else
      problems.push(
        `${name === '' ? path : `${name} (${path}, line ${line})`}: expected keys and values below it, got ${kindOf(given)}.`,
      );
  };
  visit(document.contents, '', 1);
  return { settings, problems };
}

/**
 * The node as plain data. A value that cannot be plain data, such as one that contains itself, becomes `{}`, which no
 * key accepts.
 */
function valueOf(node: unknown, document: Document): unknown {
  if (node === null || node === undefined) return null;
  if (isScalar(node)) return node.value;
  try {
    const value = (node as { toJS: (document: Document) => unknown }).toJS(document);
    JSON.stringify(value);
    return value;
  } catch {
    return {};
  }
}

function kindOf(given: unknown): string {
  if (Array.isArray(given)) return 'a list';
  return typeof given === 'string' ? 'text' : `a ${typeof given}`;
}

function problem(text: string): FileSettings {
  return { settings: [], problems: [text] };
}
