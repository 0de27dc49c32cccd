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
  if (!(low <= high) || !Number.isFinite(high - low)) return <svg class="spark" width={width} height={height} aria-hidden="true" />;
  const span = high - low || 1;
  let path = '';
  for (let n = 0; n < values.length; n++) {
    const value = values[n] ?? NaN;
    if (Number.isNaN(value)) continue;
    const x = ((n + 0.5) / values.length) * width;
    const y = high === low ? height / 2 : height - 1.5 - ((value - low) / span) * (height - 3);
    path += `${path === '' ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
  }
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
