// A tiny line of one key's numbers.
interface Props {
  values: ArrayLike<number>;
  width: number;
  height: number;
}

export function Spark({ values, width, height }: Props) {
  let low = Infinity;
  let high = -Infinity;
  for (let n = 0; n < values.length; n++) {
    const value = values[n] ?? NaN;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low <= high) || !Number.isFinite(low) || !Number.isFinite(high)) return <svg class="spark" width={width} height={height} aria-hidden="true" />;
  // By halves: the difference of two great numbers is none.
  const span = high / 2 - low / 2 || 1;
  let path = '';
  let pen = 'M';
  for (let n = 0; n < values.length; n++) {
    const value = values[n] ?? NaN;
    if (Number.isNaN(value)) {
      pen = 'M';
      continue;
    }
    const x = ((n + 0.5) / values.length) * width;
    const y = high === low ? height / 2 : height - 1.5 - ((value / 2 - low / 2) / span) * (height - 3);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  }
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
