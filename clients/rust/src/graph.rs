//! The documents of `operations/`, with types that graphql_client generates while it compiles.

use graphql_client::GraphQLQuery;

// docs:graph
type DateTime = String;
type Decimal = String;
type Id = String;

macro_rules! operations {
    ($($name:ident $file:tt $derives:tt)*) => { $(
        #[derive(GraphQLQuery)]
        #[graphql(
            schema_path = "../../api.graphql",
            query_path = $file,
            variables_derives = $derives,
            response_derives = "Clone, Debug, PartialEq",
            normalization = "rust",
            skip_serializing_none
        )]
        pub struct $name;
    )* };
}

operations! {
    Catalogue "../../operations/Catalogue.graphql" "Clone, Default"
    MyProfile "../../operations/MyProfile.graphql" "Clone"
    NotificationAdded "../../operations/NotificationAdded.graphql" "Clone"
    Notifications "../../operations/Notifications.graphql" "Clone"
    PurchaseCourse "../../operations/PurchaseCourse.graphql" "Clone"
    RefreshSession "../../operations/RefreshSession.graphql" "Clone"
    SignIn "../../operations/SignIn.graphql" "Clone"
    SignUp "../../operations/SignUp.graphql" "Clone"
    StudentHome "../../operations/StudentHome.graphql" "Clone"
}
// docs:end
