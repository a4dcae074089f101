/** The environment variable by which jest's workers learn where the run's control plane is; `none`: there is none. */
export const addressVariable = "HOLDFAST_TEST_CONTROL_PLANE";
