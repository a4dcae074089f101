/** VitePress's own theme, without the fonts that it brings along: the reader's system has some. */
import theme from "vitepress/theme-without-fonts";
// A style sheet has nothing to import but itself.
// oxlint-disable-next-line import/no-unassigned-import
import "./style.css";

export default theme;
