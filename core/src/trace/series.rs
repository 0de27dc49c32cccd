//! The course of one key's numbers, in bounded memory.
//!
//! Guarantees: minimum, maximum and last value of any stretch of lines are those of the numbers that
//! were added, except that a stretch begins and ends at multiples of the resolution; as long as there
//! are few numbers the resolution is one line. It depends on the lines alone, never on how they came.
//! A series knows nothing of text, files or pixels beyond a width.

/// Numbers of one key by line. What most numbers change comes first.
#[derive(Debug, Clone)]
#[repr(C)]
pub struct Series {
    /// The latest point; before the first number it is at [`NOWHERE`].
    latest: Point,
    /// A point stands for 2^shift lines.
    shift: u32,
    /// The owner's own: it fills a gap.
    pub(super) holds: bool,
    /// The points before it.
    points: Vec<Point>,
}

/// The numbers of some lines that follow each other.
#[derive(Debug, Clone, Copy)]
struct Point {
    /// The lines, divided by how many there are in a point.
    at: u64,
    min: f64,
    max: f64,
    last: f64,
}

/// Minimum, maximum and last number for each pixel of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// NaN where no line set the key to a number; so are the others.
    pub min: Vec<f64>,
    /// The greatest numbers.
    pub max: Vec<f64>,
    /// The last numbers, or [`NONE`] where the key had none any more.
    pub last: Vec<f64>,
    /// The last number before the first line, as far as it is known.
    pub before: Option<f64>,
    /// How many lines share one point.
    pub resolution: u64,
}

/// The lines that a chart shows, and its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The first line.
    pub first: u64,
    /// The last line; if it is before the first, the chart is empty.
    pub last: u64,
    /// How many pixels the lines are spread over.
    pub width: usize,
}

/// In place of a last number: the key was cleared, or set to a text. No number is infinite.
pub const NONE: f64 = f64::INFINITY;
/// No line is here.
const NOWHERE: u64 = u64::MAX;
/// No screen is wider.
const WIDEST: usize = 1 << 16;

impl Default for Series {
    fn default() -> Self {
        Self {
            latest: Point::of(NOWHERE, f64::NAN),
            shift: 0,
            holds: false,
            points: Vec::new(),
        }
    }
}

impl Series {
    /// Adds the number of a line that is not before any that was added. Gives true if this took more
    /// memory.
    #[inline]
    pub(super) fn add(&mut self, line: u64, number: f64) -> bool {
        self.put(Point::of(line >> self.shift, number))
    }

    /// From this line on the key has no number. Gives true if this took more memory.
    #[inline]
    pub(super) fn end(&mut self, line: u64) -> bool {
        let had = self.latest.last.is_finite();
        had && self.put(Point::of(line >> self.shift, NONE))
    }

    #[inline]
    fn put(&mut self, point: Point) -> bool {
        if self.latest.at == point.at {
            self.latest.take(point);
            return false;
        }
        self.begin(point);
        true
    }

    fn begin(&mut self, point: Point) {
        if self.latest.at != NOWHERE {
            self.points.push(self.latest);
        }
        self.latest = point;
    }

    pub(super) fn len(&self) -> usize {
        self.points.len() + usize::from(self.latest.at != NOWHERE)
    }

    /// Halves the resolution until there are at most so many points, and gives how many went.
    #[cold]
    pub(super) fn coarsen(&mut self, most: usize) -> usize {
        let before = self.len();
        while self.len() > most.max(1) {
            self.shift += 1;
            let latest = self.latest.at >> 1;
            for point in &mut self.points {
                point.at >>= 1;
            }
            self.points.dedup_by(|next, point| {
                let same = next.at == point.at;
                if same {
                    point.take(*next);
                }
                same
            });
            if let Some(mut joined) = self.points.pop_if(|point| point.at == latest) {
                joined.take(self.latest);
                self.latest = joined;
            }
            self.latest.at = latest;
        }
        before - self.len()
    }

    /// Gives back the memory of points that went.
    pub(super) fn shrink(&mut self) {
        self.points.shrink_to_fit();
    }

    /// The least and the greatest number of all.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        let ranges = self.from(0).map(|point| (point.min, point.max));
        ranges.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)))
    }

    /// The course of the numbers within a frame.
    #[must_use]
    pub fn chart(&self, frame: Frame) -> Chart {
        let mut chart = Chart::new(frame, 1 << self.shift);
        let last_line = |point: &Point| ((point.at + 1) << self.shift) - 1;
        let mut start = self
            .points
            .partition_point(|point| last_line(point) < frame.first);
        if start == self.points.len()
            && self.latest.at != NOWHERE
            && last_line(&self.latest) < frame.first
        {
            chart.before = Some(self.latest.last);
            start += 1;
        } else {
            chart.before = start.checked_sub(1).map(|at| self.points[at].last);
        }
        chart.before = chart.before.filter(|number| number.is_finite());
        for point in self.from(start) {
            let line = point.at << self.shift;
            if line > frame.last {
                break;
            }
            chart.take(frame, line.max(frame.first), point);
        }
        chart
    }

    /// The points from this one on.
    fn from(&self, first: usize) -> impl Iterator<Item = Point> {
        let earlier = self.points.iter().copied();
        let latest = Some(self.latest).filter(|latest| latest.at != NOWHERE);
        earlier.chain(latest).skip(first)
    }
}

impl Point {
    /// A number, or [`NONE`].
    fn of(at: u64, number: f64) -> Self {
        let range = if number == NONE { f64::NAN } else { number };
        Self {
            at,
            min: range,
            max: range,
            last: number,
        }
    }

    #[inline]
    fn take(&mut self, next: Self) {
        self.min = self.min.min(next.min);
        self.max = self.max.max(next.max);
        self.last = next.last;
    }
}

impl Chart {
    pub(super) fn new(frame: Frame, resolution: u64) -> Self {
        let width = frame.width.min(WIDEST);
        Self {
            min: vec![f64::NAN; width],
            max: vec![f64::NAN; width],
            last: vec![f64::NAN; width],
            before: None,
            resolution,
        }
    }

    /// Adds the number of one line inside the frame, or [`NONE`].
    pub(super) fn add(&mut self, frame: Frame, line: u64, number: f64) {
        self.take(frame, line, Point::of(0, number));
    }

    fn take(&mut self, frame: Frame, line: u64, point: Point) {
        let pixel = pixel(frame, self.min.len(), line);
        if let Some(pixel) = pixel.filter(|&pixel| pixel < self.min.len()) {
            // The minimum of NaN and a number is the number.
            self.min[pixel] = self.min[pixel].min(point.min);
            self.max[pixel] = self.max[pixel].max(point.max);
            self.last[pixel] = point.last;
        }
    }
}

/// The last pixel p whose first line, `first + floor(p * lines / width)`, is not behind `line`.
fn pixel(frame: Frame, width: usize, line: u64) -> Option<usize> {
    let lines = frame.last.checked_sub(frame.first)?.saturating_add(1);
    let upto = line.checked_sub(frame.first)? + 1;
    // No file has so many lines that the product is not exact.
    let pixels = upto.saturating_mul(width as u64).div_ceil(lines);
    usize::try_from(pixels.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(first: u64, last: u64, width: usize) -> Frame {
        Frame { first, last, width }
    }

    #[test]
    fn every_pixel_has_its_lines() {
        let frame = frame(11, 20, 4);
        let first_line = |p: u64| 11 + p * 10 / 4;
        for line in 11..=20 {
            let p = pixel(frame, 4, line).unwrap() as u64;
            assert!(first_line(p) <= line && line < first_line(p + 1), "{line}");
        }
        assert_eq!(pixel(frame, 4, 10), None);
    }

    #[test]
    fn a_chart_knows_what_came_before_it() {
        let mut series = Series::default();
        for (line, number) in [(1, 5.0), (4, 7.0), (5, 2.0), (9, 1.0)] {
            series.add(line, number);
        }
        let chart = series.chart(frame(4, 7, 2));
        assert_eq!(chart.before, Some(5.0));
        assert_eq!((chart.min[0], chart.max[0], chart.last[0]), (2.0, 7.0, 2.0));
        assert!(chart.min[1].is_nan() && chart.last[1].is_nan());
        assert_eq!(series.chart(frame(7, 4, 2)).before, Some(2.0));
    }

    proptest! {
        #[test]
        fn coarser_points_keep_the_extremes(
            numbers in prop::collection::vec((1u64..50, -9i32..9), 1..80), most in 1usize..20
        ) {
            let mut series = Series::default();
            let mut line = 0;
            for &(step, number) in &numbers {
                line += step;
                series.add(line, number.into());
            }
            let range = series.range();
            series.coarsen(most);
            prop_assert!(series.len() <= most);
            prop_assert_eq!(series.range(), range);
            let whole = series.chart(frame(1, line, 1));
            prop_assert_eq!(Some((whole.min[0], whole.max[0])), range);
            let last = f64::from(numbers.last().unwrap().1);
            prop_assert_eq!(whole.last[0].to_bits(), last.to_bits());
        }
    }
}
