//! The pages of a comparison: an operation, and the path of a handler written for it.

/// The number of viewers, courses, and search texts that are used in turn.
pub const TURNS: usize = 40;

/// One page.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The page's name in reports.
    pub name: &'static str,
    /// The handler's path.
    pub path: &'static str,
    /// The operation's document.
    pub document: &'static str,
    /// The input that varies between requests.
    pub asks: Asks,
    /// The minimum throughput of the graph, as a ratio of the handler's.
    pub goal: f64,
}

/// The input that varies between requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// The signed-in user.
    Viewer,
    /// The variable and parameter `id`: a course's.
    Course,
    /// The variable and parameter `text`: a search text.
    Text,
    /// Nothing.
    Nothing,
}

impl Page {
    /// The page of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        PAGES.into_iter().find(|page| page.name == name)
    }
}

/// The mutation that buys a course; its handler is `/purchase`.
pub const PURCHASE: &str = "mutation Purchase($input: PurchaseCourseInput!) { purchaseCourse(input: $input) \
                            { payment { id amount status createdAt } userErrors { code } } }";

/// All pages.
pub const PAGES: [Page; 10] = [
    Page {
        name: "StudentHome",
        path: "/student-home",
        document: include_str!("../../operations/StudentHome.graphql"),
        asks: Asks::Viewer,
        goal: 0.75,
    },
    Page {
        name: "enrollments",
        path: "/enrollments",
        document: "query Enrollments { me { enrollments(first: 20) { nodes { id status enrolledAt } } } }",
        asks: Asks::Viewer,
        goal: 0.65,
    },
    Page {
        name: "payments",
        path: "/payments",
        document: "query Payments { me { payments(first: 20) { nodes { id amount status createdAt } } } }",
        asks: Asks::Viewer,
        goal: 0.65,
    },
    Page {
        name: "notifications",
        path: "/notifications",
        document: "query Notifications { me { notifications(first: 20) { nodes { id type title isRead createdAt } } } }",
        asks: Asks::Viewer,
        goal: 0.65,
    },
    Page {
        name: "me",
        path: "/me",
        document: "query Me { me { id name email role isVerified createdAt } }",
        asks: Asks::Viewer,
        goal: 0.65,
    },
    Page {
        name: "course",
        path: "/course",
        document: "query Course($id: ID!) { course(id: $id) { id title description level isFree price durationMinutes createdAt } }",
        asks: Asks::Course,
        goal: 0.65,
    },
    Page {
        name: "catalogue",
        path: "/catalogue",
        document: "query Catalogue { courses(first: 20) { nodes { id title level price teacher { id name } } } }",
        asks: Asks::Nothing,
        goal: 0.75,
    },
    Page {
        name: "catalogue with its total",
        path: "/catalogue-total",
        document: "query CatalogueTotal { courses(first: 20) { totalCount nodes { id title level price teacher { id name } } } }",
        asks: Asks::Nothing,
        goal: 0.9,
    },
    Page {
        name: "search",
        path: "/search",
        document: "query Search($text: String!) { courses(first: 20, filter: { search: $text }) { nodes { id title level price teacher { id name } } } }",
        asks: Asks::Text,
        goal: 0.9,
    },
    Page {
        name: "search with its total",
        path: "/search-total",
        document: "query SearchTotal($text: String!) { courses(first: 20, filter: { search: $text }) { totalCount nodes { id title level price teacher { id name } } } }",
        asks: Asks::Text,
        goal: 0.9,
    },
];
