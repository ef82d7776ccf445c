// Fits weights to measurements, and rates the fit.

export interface Sample {
  /** The count of each weighted field, type or input field. */
  counts: Map<string, number>;
  /** Microseconds. */
  measured: number;
}

const ROUNDS = 400;
/** Errors are relative to the measured time plus this, so that fast operations do not dominate. */
const ERROR_FLOOR_MICROS = 300;
/** A small ridge penalty, which only matters for weights that the samples do not determine. */
const RIDGE = 1e-9;

/** Non-negative least squares of the relative errors, by coordinate descent. */
export function fit(samples: readonly Sample[]): Map<string, number> {
  const names = [...new Set(samples.flatMap(({ counts }) => [...counts.keys()]))].sort();
  const index = new Map(names.map((name, position) => [name, position]));
  const scale = samples.map(({ measured }) => 1 / (measured + ERROR_FLOOR_MICROS));
  // For each name: the samples that have it, with its scaled count.
  const columns: [number, number][][] = names.map(() => []);
  samples.forEach(({ counts }, row) => {
    for (const [name, count] of counts)
      columns[index.get(name) as number]?.push([row, count * (scale[row] as number)]);
  });
  const weights = names.map(() => 0);
  const residuals = samples.map(({ measured }, row) => measured * (scale[row] as number));
  for (let round = 0; round < ROUNDS; round += 1) {
    columns.forEach((column, position) => {
      let projection = 0;
      let square = RIDGE;
      for (const [row, value] of column) {
        projection += value * (residuals[row] as number);
        square += value * value;
      }
      const before = weights[position] as number;
      const after = Math.max(0, before + (projection - RIDGE * before) / square);
      for (const [row, value] of column)
        residuals[row] = (residuals[row] as number) - value * (after - before);
      weights[position] = after;
    });
  }
  return new Map(names.map((name, position) => [name, weights[position] as number]));
}

/** Spearman's rank correlation: 1 for the same order, 0 for none. */
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
  let [covariance, squareA, squareB] = [0, 0, 0];
  a.forEach((value, position) => {
    const [fromA, fromB] = [value - meanA, (b[position] as number) - meanB];
    covariance += fromA * fromB;
    squareA += fromA * fromA;
    squareB += fromB * fromB;
  });
  return covariance / Math.sqrt(squareA * squareB);
}
