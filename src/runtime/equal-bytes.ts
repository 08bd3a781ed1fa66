/** For a few dozen bytes: a call into the runtime would take longer than the loop. */
export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false;
  for (let index = 0; index < one.byteLength; index++) if (one[index] !== other[index]) return false;
  return true;
}
