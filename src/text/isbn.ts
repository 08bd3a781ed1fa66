/**
 * Any ISBN as ISBN-13 (ISO 2108), digits only; hyphens and spaces are dropped, and an ISBN-10 that a spreadsheet took
 * for a number gets its leading zeros back. `null` when the check digit is wrong or it is no ISBN at all.
 */
export function toIsbn13(text: string): string | null {
  const digits = text.replace(/[\s\p{Pd}]/gu, '').toUpperCase();
  if (/^97[89]\d{10}$/.test(digits)) return checkDigit13(digits) === digits.at(-1) ? digits : null;
  if (!/^\d{6,9}[\dX]$/.test(digits)) return null;
  const isbn10 = digits.padStart(10, '0');
  if (!isIsbn10(isbn10) || /^0{9}/.test(isbn10)) return null;
  const body = `978${isbn10.slice(0, 9)}`;
  return body + checkDigit13(body);
}

function checkDigit13(digits: string): string {
  let sum = 0;
  for (let at = 0; at < 12; at++) sum += Number(digits[at]) * (at % 2 === 0 ? 1 : 3);
  return String((10 - (sum % 10)) % 10);
}

function isIsbn10(digits: string): boolean {
  let sum = 0;
  for (let at = 0; at < 10; at++) sum += (digits[at] === 'X' ? 10 : Number(digits[at])) * (10 - at);
  return sum % 11 === 0;
}
