import streamlit as st

st.title("Balance")
