//! From each kind's line in `model` to its file: one enum of settings and one of destinations, made from the list.

use super::{
    delivery::{Delivered, DeliveryError, Reachable},
    destination::{Destination, DestinationInfo, SharedSettings, SimulatedReceivers},
    http::Http,
    message::Delivery,
    problem::DestinationProblem,
    settings_reader::SettingsReader,
};
use crate::model::{DestinationKind, destination_kinds};
use crate::yaml::{LazySchema, Node};

macro_rules! registry {
    ($($kind:ident = $module:ident,)*) => {
        /// The settings of one destination.
        #[derive(Debug, Clone, PartialEq)]
        pub enum DestinationSettings {
            $(#[doc = concat!("See `destinations/", stringify!($module), ".rs`.")]
            $kind(<super::$module::$kind as Destination>::Settings),)*
        }

        impl DestinationSettings {
            /// What kind of destination they are for.
            pub fn kind(&self) -> DestinationKind {
                match self {
                    $(Self::$kind(_) => DestinationKind::$kind,)*
                }
            }

            /// Reads the settings of such a destination; `None` where they cannot be used, which is reported.
            pub fn read(kind: DestinationKind, node: &Node, reader: &mut dyn SettingsReader) -> Option<Self> {
                let fields = node.fields(destination_schema(kind), reader.out())?;
                let before = reader.out().error_count();
                let settings = match kind {
                    $(DestinationKind::$kind => {
                        <super::$module::$kind as Destination>::read(&fields, reader).map(Self::$kind)
                    })*
                };
                settings.filter(|_| reader.out().error_count() == before)
            }

            /// Settings with which tests of rules deliver to a simulator instead.
            pub fn for_tests(kind: DestinationKind, simulated: &SimulatedReceivers) -> Self {
                match kind {
                    $(DestinationKind::$kind => {
                        Self::$kind(<super::$module::$kind as Destination>::for_tests(simulated))
                    })*
                }
            }

            pub(super) fn build(self, shared: &SharedSettings) -> Result<AnyDestination, DestinationProblem> {
                match self {
                    $(Self::$kind(settings) => Destination::new(settings, shared).map(AnyDestination::$kind),)*
                }
            }
        }

        /// A destination of any kind.
        #[derive(Debug)]
        pub(super) enum AnyDestination {
            $($kind(super::$module::$kind),)*
        }

        impl AnyDestination {
            pub(super) fn kind(&self) -> DestinationKind {
                match self {
                    $(Self::$kind(_) => DestinationKind::$kind,)*
                }
            }

            pub(super) async fn deliver(
                &self,
                http: &Http,
                delivery: &Delivery<'_>,
            ) -> Result<Delivered, DeliveryError> {
                match self {
                    $(Self::$kind(destination) => destination.deliver(http, delivery).await,)*
                }
            }

            pub(super) async fn check(&self, http: &Http) -> Result<Reachable, DeliveryError> {
                match self {
                    $(Self::$kind(destination) => destination.check(http).await,)*
                }
            }
        }

        /// What configuration, rules and engine must know of a kind of destination.
        pub const fn destination_info(kind: DestinationKind) -> &'static DestinationInfo {
            match kind {
                $(DestinationKind::$kind => &<super::$module::$kind as Destination>::INFO,)*
            }
        }

        /// The keys of the settings of such a destination.
        pub fn destination_schema(kind: DestinationKind) -> &'static LazySchema {
            match kind {
                $(DestinationKind::$kind => <super::$module::$kind as Destination>::schema(),)*
            }
        }
    };
}
destination_kinds!(registry);

impl DestinationSettings {
    /// Checks the settings, without a client and without connecting.
    ///
    /// # Errors
    /// The first setting that cannot work. It shows no secret.
    pub fn validate(&self, shared: &SharedSettings) -> Result<(), DestinationProblem> {
        self.clone().build(shared).map(|_| ())
    }
}

impl DestinationSettings {
    /// Whether its messages go to one place alone, so that no action can name another one.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Slack(settings) if settings.has_fixed_channel())
    }
}
