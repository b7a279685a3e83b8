//! From 8-bit interleaved pixels to the planes of 32-bit floats that models read.

use crate::image::RgbView;

/// The order of the planes a model expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// How a model's input is made from pixels: `(value / 255 − mean) / std` per channel, as one multiplication and one
/// addition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// The order of the planes.
    pub order: ChannelOrder,
    /// Factor on the 8-bit value: red, green, blue.
    pub factor: [f32; 3],
    /// What is added then: red, green, blue.
    pub offset: [f32; 3],
    /// What the padding of a letterbox is, already normalised: red, green, blue.
    pub padding: [f32; 3],
    /// What the padding of a letterbox is before normalisation, nearest 8-bit value: red, green, blue.
    pub padding_rgb: [u8; 3],
}

impl Normalisation {
    /// Mean and standard deviation on a scale of 0 to 1, RGB planes, padded with the mean (zero, once normalised).
    ///
    /// ```
    /// use inference::normalise::Normalisation;
    /// let imagenet = Normalisation::mean_std([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
    /// assert_eq!(imagenet.padding, [0.0; 3]);
    /// assert_eq!(imagenet.padding_rgb, [124, 116, 104]);
    /// ```
    #[must_use]
    pub fn mean_std(mean: [f32; 3], std: [f32; 3]) -> Self {
        let zip = |f: fn(f32, f32) -> f32| {
            let ([m0, m1, m2], [s0, s1, s2]) = (mean, std);
            [f(m0, s0), f(m1, s1), f(m2, s2)]
        };
        Self {
            order: ChannelOrder::Rgb,
            factor: zip(|_, s| 1.0 / (255.0 * s)),
            offset: zip(|m, s| -m / s),
            padding: [0.0; 3],
            padding_rgb: mean.map(|m| (m * 255.0).round().clamp(0.0, 255.0) as u8),
        }
    }

    /// Values as they are, 0 to 255, BGR planes, padded with 114: YOLOX since 0.2 (its `preproc`).
    #[must_use]
    pub const fn bgr_255() -> Self {
        Self {
            order: ChannelOrder::Bgr,
            factor: [1.0; 3],
            offset: [0.0; 3],
            padding: [114.0; 3],
            padding_rgb: [114; 3],
        }
    }

    /// Writes the content (top left, `content` = width, height) of `input` into `planes`, 3 × height × width, and the
    /// padding beside and below it; what `input` shows there does not matter. Returns whether the sizes agreed.
    #[must_use]
    pub fn write(&self, input: RgbView<'_>, content: (u32, u32), planes: &mut [f32]) -> bool {
        let (width, height) = (input.width() as usize, input.height() as usize);
        let (content_width, content_height) = (content.0 as usize, content.1 as usize);
        if planes.len() != width * height * 3 || content_width > width || content_height > height {
            return false;
        }
        let (first, rest) = planes.split_at_mut(width * height);
        let (green, third) = rest.split_at_mut(width * height);
        let (red, blue) = match self.order {
            ChannelOrder::Rgb => (first, third),
            ChannelOrder::Bgr => (third, first),
        };
        let rows = input.data().chunks_exact(width * 3).zip(red.chunks_exact_mut(width));
        let rows = rows.zip(green.chunks_exact_mut(width)).zip(blue.chunks_exact_mut(width));
        for (index, (((source, red), green), blue)) in rows.enumerate() {
            let shown = if index < content_height { content_width } else { 0 };
            self.write_row(source, shown, red, green, blue);
        }
        true
    }

    fn write_row(&self, source: &[u8], shown: usize, red: &mut [f32], green: &mut [f32], blue: &mut [f32]) {
        let ([fr, fg, fb], [or, og, ob]) = (self.factor, self.offset);
        let pixels = source.as_chunks::<3>().0.iter().take(shown);
        for ((([r, g, b], red), green), blue) in pixels.zip(&mut *red).zip(&mut *green).zip(&mut *blue) {
            *red = f32::from(*r) * fr + or;
            *green = f32::from(*g) * fg + og;
            *blue = f32::from(*b) * fb + ob;
        }
        for (plane, padding) in [red, green, blue].into_iter().zip(self.padding) {
            plane.iter_mut().skip(shown).for_each(|value| *value = padding);
        }
    }
}

#[cfg(test)]
mod tests;
