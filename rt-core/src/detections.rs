//! Detections as plain, fixed-size data, so that they cross rings by value and never touch the heap.

/// The most boxes one frame carries; detectors keep the best-scoring ones.
pub const MAX_DETECTIONS: usize = 64;

/// One detected box, in pixels of the camera frame (not of the model's input).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Detection {
    /// Left edge, pixels.
    pub x_min: f32,
    /// Top edge, pixels.
    pub y_min: f32,
    /// Right edge, pixels.
    pub x_max: f32,
    /// Bottom edge, pixels.
    pub y_max: f32,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Index into the class names of whoever produced it.
    pub class: u8,
}

impl Detection {
    /// Area in square pixels; zero for an inverted box.
    #[must_use]
    pub fn area(&self) -> f32 {
        (self.x_max - self.x_min).max(0.0) * (self.y_max - self.y_min).max(0.0)
    }

    /// Intersection over union with `other`, 0 to 1.
    ///
    /// ```
    /// use rt_core::detections::Detection;
    /// let a = Detection { x_max: 2.0, y_max: 1.0, ..Detection::default() };
    /// let b = Detection { x_min: 1.0, x_max: 3.0, y_max: 1.0, ..Detection::default() };
    /// assert!((a.iou(&b) - 1.0 / 3.0).abs() < 1e-6);
    /// ```
    #[must_use]
    pub fn iou(&self, other: &Self) -> f32 {
        let width = (self.x_max.min(other.x_max) - self.x_min.max(other.x_min)).max(0.0);
        let height = (self.y_max.min(other.y_max) - self.y_min.max(other.y_min)).max(0.0);
        let intersection = width * height;
        let union = self.area() + other.area() - intersection;
        if union > 0.0 { intersection / union } else { 0.0 }
    }
}

/// The detections of one frame, best score first where the producer sorts them.
pub type Detections = heapless::Vec<Detection, MAX_DETECTIONS>;
