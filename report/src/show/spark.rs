//! A series in one line of text.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The series in `width` characters between `low` and `high`; stretches without a value are blank.
///
/// ```
/// use turbo_report::show::spark;
/// let series = [Some(0.0), Some(0.5), None, Some(1.0)];
/// assert_eq!(spark(&series, 4, 0.0, 1.0), "▁▅ █");
/// ```
#[must_use]
pub fn spark(series: &[Option<f64>], width: usize, low: f64, high: f64) -> String {
    let width = width.min(series.len());
    (0..width)
        .map(|place| {
            let (from, to) = (place * series.len() / width, (place + 1) * series.len() / width);
            let stretch = series.iter().take(to).skip(from).flatten();
            let (sum, count) = stretch.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
            if count == 0 {
                return ' ';
            }
            let mean = sum / f64::from(count);
            let height = if high > low { (mean - low) / (high - low) } else { 0.0 };
            // 0 to 1 onto 0 to 7: `as` takes what is below as 0.
            let bar = (height * BARS.len() as f64) as usize;
            BARS.get(bar.min(BARS.len() - 1)).copied().unwrap_or(' ')
        })
        .collect()
}
