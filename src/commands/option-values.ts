import { InvalidArgumentError } from 'commander';

/** Reads the value of an option. @throws InvalidArgumentError, to which the command line adds the option and what came. */
type ReadOption<Value> = (text: string) => Value;

export function wholeNumber(least: number, most: number): ReadOption<number> {
  return (text) => {
    const number = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw refusal(`a whole number from ${least} to ${most}`);
  };
}

export function numberUpTo(most: number): ReadOption<number> {
  return (text) => {
    const number = /^\d{1,12}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
    if (number > 0 && number <= most) return number;
    throw refusal(`a number above 0 and up to ${most}`);
  };
}

/** What can be typed into the search field. */
export function queryText(text: string): string {
  const query = text.trim();
  if (query !== '' && query.length <= 200) return query;
  throw refusal('1 to 200 characters');
}

function refusal(expected: string): InvalidArgumentError {
  return new InvalidArgumentError(`Expected ${expected}: give that, or leave the option out.`);
}
