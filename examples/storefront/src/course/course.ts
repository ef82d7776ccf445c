import type { CoursePageQuery } from '../gql/graphql';

/** A course as its page shows it. */
export type Course = NonNullable<CoursePageQuery['course']>;
