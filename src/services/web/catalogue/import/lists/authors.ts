import { isGeneration, splitAuthors } from '../../../../../text/fields.ts';
import { bookLimits, cutTo } from '../../book-fields.ts';
import { cellText, quotedList } from './values.ts';

const otherRole =
  /translat|illustrat|narrat|introduc|foreword|preface|afterword|contribut|cover|design|photo|read(?:er|\s?by)|perform|adapt|compil|edit|\beds?\b|traduc|übers|herausg|\bill\b|\btrans?\b|artist|annotat|compos|series creator/i;
const rolePattern = /\s*[([]([^)\]]*)[)\]]\s*$/;
const needsCutting = /[;|&/\n()[\]]|\d{3,4}|\sand\s/;

/**
 * The names of a book's authors in one line, as they are written. People with another part in the book (“(Translator)”,
 * “[Illustrator]”) are left out where there is an author; years of life always are.
 * @param cells text with one or more names, or lists of names.
 */
export function readAuthors(cells: readonly (string | readonly string[])[]): string {
  const lines = cells.flatMap((cell) => (typeof cell === 'string' ? (quotedList(cell) ?? [cell]) : cell)).map(cellText);
  const written = lines.filter((line) => line !== '');
  if (written.length === 1 && !needsCutting.test(written[0]!)) return fitAuthors(written[0]!.split(/(?<=,)\s*/), ' ');
  const people = written.flatMap(splitPeople);
  const authors = people.filter(({ isOther }) => !isOther);
  const names = (authors.length > 0 ? authors : people).flatMap(({ name }) => splitAuthors(name));
  const unique = [...new Set(names)];
  return fitAuthors(unique, unique.some((name) => name.includes(',')) ? '; ' : ', ');
}

type Person = { readonly name: string; readonly isOther: boolean };

/** Cut where names surely end, so that each role stands behind the name that it belongs to. */
function splitPeople(line: string): readonly Person[] {
  return line.split(/[;|\n]|(?<=[)\]])\s*,|\s&\s|\s\/\s/).flatMap((part): readonly Person[] => {
    const role = rolePattern.exec(part)?.[1] ?? '';
    if (isGeneration(role)) return [{ name: part.trim(), isOther: false }];
    const name = part.replace(rolePattern, '').trim();
    if (!otherRole.test(role)) return [{ name, isOther: false }];
    // “Ann Author, Tom Illustrator (Illustrator)”: the role is the last one's.
    const cut = name.lastIndexOf(',');
    const [ahead, last] = [name.slice(0, cut).trim(), name.slice(cut + 1).trim()];
    if (cut === -1 || !/\S\s+\S/.test(ahead) || !/\S\s+\S/.test(last)) return [{ name, isOther: true }];
    return [
      { name: ahead, isOther: false },
      { name: last, isOther: true },
    ];
  });
}

/** As many whole names as there is room for. */
function fitAuthors(names: readonly string[], separator: string): string {
  const author = names.join(separator);
  if (author.length <= bookLimits.authorLength) return author;
  let line = '';
  for (const name of names) {
    const longer = line === '' ? name : line + separator + name;
    if (longer.length >= bookLimits.authorLength) break;
    line = longer;
  }
  return line === '' ? cutTo(author, bookLimits.authorLength) : `${line.replace(/[,;]\s*$/, '')}…`;
}
