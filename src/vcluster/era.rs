//! The eras of the chart: which charts share one schema.

use super::Field;

/// Charts whose distro configuration has one schema.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Era {
    /// 0.20 to 0.24: k8s with an image per component, k3s, k0s.
    A,
    /// 0.25: k8s with one combined image, k3s, k0s.
    B,
    /// 0.26 to 0.32: k8s, k3s.
    C,
    /// From 0.33 on: k8s only.
    D,
}

impl Era {
    /// The era of a chart with these fields.
    pub(super) fn of_fields(fields: &Field) -> Self {
        let has = |path: &str| fields.get(path.split('.')).is_some();
        if has("controlPlane.distro.k8s.apiServer.image") {
            Self::A
        } else if has("controlPlane.distro.k0s") {
            Self::B
        } else if has("controlPlane.distro.k3s") {
            Self::C
        } else {
            Self::D
        }
    }
}
