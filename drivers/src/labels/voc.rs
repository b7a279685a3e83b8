//! Pascal VOC: one XML file per photograph, corners in pixels.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};

use super::error::LabelsError;
use super::{Labels, MAX_CLASSES};
use crate::ground_truth::TruthBox;

/// One labelled object whose class has no number yet.
struct Object {
    class: String,
    bounds: TruthBox,
}

pub(super) fn load(files: &[PathBuf]) -> Result<Labels, LabelsError> {
    let mut images = Vec::with_capacity(files.len());
    for path in files {
        let text = std::fs::read_to_string(path).map_err(|source| LabelsError::Read { path: path.clone(), source })?;
        images.push((path, parse(&text, path)?));
    }
    let names: BTreeSet<&str> = images.iter().flat_map(|(_, objects)| objects).map(|o| o.class.as_str()).collect();
    let classes: Vec<String> = names.into_iter().map(str::to_owned).collect();
    if classes.len() > MAX_CLASSES {
        let path = files.last().cloned().unwrap_or_default();
        return Err(LabelsError::Classes { path, classes: classes.len() });
    }
    let mut labels = Labels::default();
    for (path, objects) in &images {
        // The name within the file is often that of another format or another machine; the file's own is the rule.
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let image = labels.add_image(None, &stem);
        for object in objects {
            let class = classes.binary_search(&object.class).ok().and_then(|class| u8::try_from(class).ok());
            labels.add_box(image, TruthBox { class: class.unwrap_or(u8::MAX), ..object.bounds });
        }
    }
    labels.classes = classes;
    Ok(labels)
}

fn parse(text: &str, path: &Path) -> Result<Vec<Object>, LabelsError> {
    let place = |line: u32, column: u32, problem: String| LabelsError::Place {
        path: path.to_owned(),
        line: line as usize,
        column: column as usize,
        problem,
    };
    let document = Document::parse(text).map_err(|error| {
        let at = error.pos();
        place(at.row, at.col, format!("not well-formed XML: {error}"))
    })?;
    let fail = |node: Node<'_, '_>, problem: String| {
        let at = document.text_pos_at(node.range().start);
        place(at.row, at.col, problem)
    };
    let root = document.root_element();
    if !root.has_tag_name("annotation") {
        let name = root.tag_name().name();
        return Err(fail(root, format!("the outermost element is <{name}>; Pascal VOC has <annotation>")));
    }
    let mut objects = Vec::new();
    for object in root.children().filter(|child| child.has_tag_name("object")) {
        let within = |outer: Node<'_, '_>, name: &str| {
            let outer_name = outer.tag_name().name();
            fail(outer, format!("<{outer_name}> has no <{name}>"))
        };
        let name = child(object, "name").ok_or_else(|| within(object, "name"))?;
        let corners = child(object, "bndbox").ok_or_else(|| within(object, "bndbox"))?;
        let class = name.text().map(str::trim).filter(|class| !class.is_empty());
        let Some(class) = class else { return Err(fail(name, "<name> is empty; it names the class".to_owned())) };
        let edge = |edge: &str| {
            let element = child(corners, edge).ok_or_else(|| within(corners, edge))?;
            let text = element.text().unwrap_or_default().trim();
            let value = text.parse::<f32>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| fail(element, format!("<{edge}> is {text:?}; a number of pixels is wanted")))
        };
        let bounds = TruthBox {
            x_min: edge("xmin")?,
            y_min: edge("ymin")?,
            x_max: edge("xmax")?,
            y_max: edge("ymax")?,
            class: 0,
            ignore: child(object, "difficult").and_then(|flag| flag.text()).is_some_and(|text| text.trim() == "1"),
            area: None,
        };
        objects.push(Object { class: class.to_owned(), bounds });
    }
    Ok(objects)
}

fn child<'a, 'input>(outer: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    outer.children().find(|child| child.has_tag_name(name))
}
