//! The grammar of model configurations: `<model>-imgcomp{X}-inpcomp{Y}`.

use std::fmt;
use std::str::FromStr;

/// How an image is coded for the wire; `X` and `Y` of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Coding {
    /// JPEG at quality 50, 75, 90 or 95.
    Jpeg(u8),
    /// PNG (lossless).
    Png,
}

/// What travels to the cloud; at most one of `imgcomp` and `inpcomp` is not `None`, which this type makes certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Payload {
    /// Both `None`: the raw uint8 model input, 3 × width × height bytes.
    RawInput,
    /// `imgcomp`: the camera frame, coded; the cloud resizes it.
    Frame(Coding),
    /// `inpcomp`: the image resized to the model's input, coded.
    Input(Coding),
}

/// One model configuration, such as `edd4-imgcompNone-inpcomp50`.
///
/// ```
/// use allocation::model_config::{Coding, ModelConfig, Payload};
/// let config: ModelConfig = "edd4-imgcompNone-inpcomp50".parse()?;
/// assert_eq!((config.model.as_str(), config.payload), ("edd4", Payload::Input(Coding::Jpeg(50))));
/// assert_eq!(config.to_string(), "edd4-imgcompNone-inpcomp50");
/// # Ok::<(), allocation::model_config::ParseModelConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelConfig {
    /// The model's name, as the cloud's menu and the utility table spell it.
    pub model: String,
    /// What travels.
    pub payload: Payload,
}

/// Why a text is not a model configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a model configuration: {reason}; expected <model>-imgcomp{{X}}-inpcomp{{Y}} with X and Y one of None, 50, 75, 90, 95, PNG and at most one of them not None"
)]
pub struct ParseModelConfigError {
    text: String,
    reason: &'static str,
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jpeg(quality) => write!(f, "{quality}"),
            Self::Png => f.write_str("PNG"),
        }
    }
}

impl fmt::Display for ModelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.payload {
            Payload::RawInput => write!(f, "{}-imgcompNone-inpcompNone", self.model),
            Payload::Frame(coding) => write!(f, "{}-imgcomp{coding}-inpcompNone", self.model),
            Payload::Input(coding) => write!(f, "{}-imgcompNone-inpcomp{coding}", self.model),
        }
    }
}

impl FromStr for ModelConfig {
    type Err = ParseModelConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason| ParseModelConfigError { text: text.to_owned(), reason };
        let (rest, inp) = text.rsplit_once("-inpcomp").ok_or_else(|| fail("no -inpcomp part"))?;
        let (model, img) = rest.rsplit_once("-imgcomp").ok_or_else(|| fail("no -imgcomp part before -inpcomp"))?;
        if model.is_empty() {
            return Err(fail("the model's name is empty"));
        }
        let coding = |part: &str| match part {
            "None" => Ok(None),
            "PNG" => Ok(Some(Coding::Png)),
            "50" => Ok(Some(Coding::Jpeg(50))),
            "75" => Ok(Some(Coding::Jpeg(75))),
            "90" => Ok(Some(Coding::Jpeg(90))),
            "95" => Ok(Some(Coding::Jpeg(95))),
            _ => Err(fail("unknown compression")),
        };
        let payload = match (coding(img)?, coding(inp)?) {
            (None, None) => Payload::RawInput,
            (Some(image), None) => Payload::Frame(image),
            (None, Some(input)) => Payload::Input(input),
            (Some(_), Some(_)) => return Err(fail("both the frame and the input are compressed")),
        };
        Ok(Self { model: model.to_owned(), payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coding() -> impl Strategy<Value = Coding> {
        prop_oneof![prop::sample::select(vec![50, 75, 90, 95]).prop_map(Coding::Jpeg), Just(Coding::Png)]
    }

    fn payload() -> impl Strategy<Value = Payload> {
        prop_oneof![Just(Payload::RawInput), coding().prop_map(Payload::Frame), coding().prop_map(Payload::Input)]
    }

    /// Names of any text, and such as hold pieces of the grammar themselves.
    fn model() -> impl Strategy<Value = String> {
        prop_oneof![".{1,12}", "(edd4|-imgcomp|-inpcomp|None|50|-){1,5}"]
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_to_the_same(model in model(), payload in payload()) {
            let config = ModelConfig { model, payload };
            prop_assert_eq!(config.to_string().parse::<ModelConfig>(), Ok(config));
        }

        #[test]
        fn what_parses_prints_identically(text in "(edd[0-9]|-imgcomp|-inpcomp|None|50|75|90|95|PNG|60|-){0,7}") {
            match text.parse::<ModelConfig>() {
                Ok(config) => prop_assert_eq!(config.to_string(), text),
                Err(error) => {
                    let says_the_grammar = error.to_string().contains("expected <model>-imgcomp{X}");
                    prop_assert!(says_the_grammar);
                }
            }
        }

        #[test]
        fn any_text_parses_or_is_refused(text in ".*") {
            let _ = text.parse::<ModelConfig>();
        }
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, reason) in [
            ("edd4", "no -inpcomp part"),
            ("edd4-inpcomp50", "no -imgcomp part"),
            ("-imgcomp50-inpcompNone", "name is empty"),
            ("edd4-imgcomp60-inpcompNone", "unknown compression"),
            ("edd4-imgcompNone-inpcomppng", "unknown compression"),
            ("edd4-imgcomp50-inpcomp50", "both the frame and the input"),
        ] {
            let message = text.parse::<ModelConfig>().unwrap_err().to_string();
            assert!(message.contains(reason) && message.contains(text), "{message}");
        }
    }
}
