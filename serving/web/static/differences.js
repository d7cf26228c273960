// Which words two translations do not share.

/**
 * Finds the words that are not in the longest common subsequence.
 * @param {string[]} one
 * @param {string[]} other
 * @returns {[Set<number>, Set<number>]} their places, in each
 */
export function differences(one, other) {
  // lengths[i][j]: of the longest common subsequence of what follows i in one and j in other.
  const lengths = Array.from({ length: one.length + 1 }, () => new Array(other.length + 1).fill(0));
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      lengths[i][j] =
        one[i] === other[j]
          ? lengths[i + 1][j + 1] + 1
          : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const [onlyOne, onlyOther] = [new Set(one.keys()), new Set(other.keys())];
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    if (one[i] === other[j]) {
      onlyOne.delete(i++);
      onlyOther.delete(j++);
    } else if (lengths[i + 1][j] >= lengths[i][j + 1]) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return [onlyOne, onlyOther];
}
