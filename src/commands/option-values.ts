import { InvalidArgumentError } from 'commander';

/** Reads the value of an option. @throws InvalidArgumentError with what was expected. */
type ReadOption<Value> = (text: string) => Value;

export function wholeNumber(least: number, most: number): ReadOption<number> {
  return (text) => {
    const number = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  };
}

export function numberUpTo(most: number): ReadOption<number> {
  return (text) => {
    const number = /^\d{1,12}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    if (number > 0 && number <= most) return number;
    throw new InvalidArgumentError(`expected a number above 0 and up to ${most}`);
  };
}

/** What can be typed into the search field. */
export function queryText(text: string): string {
  const query = text.trim();
  if (query !== '' && query.length <= 200) return query;
  throw new InvalidArgumentError('expected 1 to 200 characters');
}
