// Weights from measurements, and how good they are.

export interface Sample {
  /** By what has a weight: how often it is there. */
  counts: Map<string, number>;
  /** Microseconds. */
  measured: number;
}

const ROUNDS = 400;
/** Below it an error is as bad as here, in microseconds. */
const FLOOR = 300;
/** Much less than what is in one sample, so that it only decides where nothing else does. */
const RIDGE = 1e-9;

/** The weights, none of them negative, by which the relative errors' squares are least. */
export function fit(samples: readonly Sample[]): Map<string, number> {
  const names = [...new Set(samples.flatMap(({ counts }) => [...counts.keys()]))].sort();
  const index = new Map(names.map((name, position) => [name, position]));
  const scale = samples.map(({ measured }) => 1 / (measured + FLOOR));
  // For each name: in which samples it is, and how often.
  const columns: [number, number][][] = names.map(() => []);
  samples.forEach(({ counts }, row) => {
    for (const [name, count] of counts)
      columns[index.get(name) as number]?.push([row, count * (scale[row] as number)]);
  });
  const weights = names.map(() => 0);
  const left = samples.map(({ measured }, row) => measured * (scale[row] as number));
  for (let round = 0; round < ROUNDS; round += 1) {
    columns.forEach((column, position) => {
      let along = 0;
      let square = RIDGE;
      for (const [row, value] of column) {
        along += value * (left[row] as number);
        square += value * value;
      }
      const before = weights[position] as number;
      const after = Math.max(0, before + (along - RIDGE * before) / square);
      for (const [row, value] of column)
        left[row] = (left[row] as number) - value * (after - before);
      weights[position] = after;
    });
  }
  return new Map(names.map((name, position) => [name, weights[position] as number]));
}

/** How far two lists have the same order: 1 is the same, 0 is none. */
export function spearman(a: readonly number[], b: readonly number[]): number {
  return pearson(ranks(a), ranks(b));
}

function ranks(list: readonly number[]): number[] {
  const order = list.map((value, position) => ({ value, position }));
  order.sort((one, other) => one.value - other.value);
  const found: number[] = [];
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && order[end]?.value === order[start]?.value) end += 1;
    for (let tied = start; tied < end; tied += 1)
      found[order[tied]?.position as number] = (start + end - 1) / 2;
    start = end;
  }
  return found;
}

function pearson(a: readonly number[], b: readonly number[]): number {
  const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  let [both, squareA, squareB] = [0, 0, 0];
  a.forEach((value, position) => {
    const [fromA, fromB] = [value - meanA, (b[position] as number) - meanB];
    both += fromA * fromB;
    squareA += fromA * fromA;
    squareB += fromB * fromB;
  });
  return both / Math.sqrt(squareA * squareB);
}
